import { markersIn } from '../../operations/marker.ts'
import { defineAction, numbered } from '../action.ts'
import { ServerImage, serverImage } from '../server-image.ts'
import { listOf } from '../values.ts'

/** The filters of getServerImageList that the relay uses, and its pages. */
export interface ServerImageQuery {
  /** The name. NAVER Cloud does not document if it must match exactly or in part. */
  name?: string
  imageNos?: string[]
  typeCodes?: ('SELF' | 'NCP')[]
  /** 0 and 1 both mean the first page. */
  pageNo?: number
  /** 1 to 1000, together with `pageNo`. */
  pageSize?: number
}

/**
 * Lists server images, each with its type, and with the relay's markers in its description.
 * Source: https://api.ncloud-docs.com/docs/en/compute-vserver-serverimage-getserverimagelist
 */
export const getServerImageList = defineAction({
  name: 'getServerImageList',
  method: 'GET',
  parameters: ({ name, imageNos, typeCodes, pageNo, pageSize }: ServerImageQuery) => ({
    serverImageName: name,
    ...numbered('serverImageNoList', imageNos),
    ...numbered('serverImageTypeCodeList', typeCodes),
    pageNo,
    pageSize,
  }),
  output: listOf('serverImageList', ServerImage),
  view: ({ totalRows, rows }, meta) => ({
    totalRows,
    gatewayTime: meta.gatewayTime,
    rows: rows.map((row) => ({
      type: row.serverImageType,
      image: serverImage(row, meta),
      markers: markersIn(row.serverImageDescription ?? ''),
    })),
  }),
})
