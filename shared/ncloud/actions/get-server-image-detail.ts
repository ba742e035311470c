import { defineAction } from '../action.ts'
import { noSuchImage } from '../fault.ts'
import { ServerImage, serverImage } from '../server-image.ts'
import { atMostOne } from '../values.ts'

/**
 * Reads one server image of any hypervisor. An answer without a row is `image-not-found`.
 * Source: https://api.ncloud-docs.com/docs/en/compute-vserver-serverimage-getserverimagedetail
 */
export const getServerImageDetail = defineAction({
  name: 'getServerImageDetail',
  method: 'GET',
  parameters: ({ imageNo }: { imageNo: string }) => ({ serverImageNo: imageNo }),
  output: atMostOne('serverImageList', ServerImage),
  view: ({ rows: [row] }, meta) => (row ? serverImage(row, meta) : noSuchImage(meta)),
})
