import { defineAction } from '../action.ts'
import { noSuchImage } from '../fault.ts'
import { ServerImage, serverImage } from '../server-image.ts'
import { listOf } from '../values.ts'

/**
 * Reads one server image, KVM or XEN; no row is `image-not-found`.
 * Source: https://api.ncloud-docs.com/docs/en/compute-vserver-serverimage-getserverimagedetail
 */
export const getServerImageDetail = defineAction({
  name: 'getServerImageDetail',
  method: 'GET',
  parameters: ({ imageNo }: { imageNo: string }) => ({ serverImageNo: imageNo }),
  output: listOf('serverImageList', ServerImage),
  view: ({ rows: [row] }, about) => (row ? serverImage(row, about) : noSuchImage(about)),
})
