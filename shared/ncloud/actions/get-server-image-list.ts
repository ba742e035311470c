import { unmarked } from '../../marker.ts'
import { defineAction, numbered } from '../action.ts'
import { ServerImage, serverImage } from '../server-image.ts'
import { listOf } from '../values.ts'

/** What getServerImageList can filter and page by; every documented parameter. */
export interface ServerImageQuery {
  imageNos?: string[]
  /** Whether the gateway matches it exactly or in part is not documented. */
  name?: string
  statusCode?: 'INIT' | 'CREAT' | 'CREFL'
  typeCodes?: ('SELF' | 'NCP')[]
  hypervisorCodes?: ('XEN' | 'KVM' | 'RHV')[]
  osCodes?: string[]
  platformCategoryCodes?: ('OS' | 'APP' | 'DBMS' | 'GPU')[]
  /** 0 and 1 both mean the first page. */
  pageNo?: number
  /** 1 to 1000, together with `pageNo`. */
  pageSize?: number
  sortedBy?: string
  sortingOrder?: 'ASC' | 'DESC'
}

/**
 * Lists server images, each with its type, and the relay's marker where its description bears one.
 * Source: https://api.ncloud-docs.com/docs/en/compute-vserver-serverimage-getserverimagelist
 */
export const getServerImageList = defineAction({
  name: 'getServerImageList',
  method: 'GET',
  parameters: (query: ServerImageQuery) => ({
    ...numbered('serverImageNoList', query.imageNos),
    serverImageName: query.name,
    serverImageStatusCode: query.statusCode,
    ...numbered('serverImageTypeCodeList', query.typeCodes),
    ...numbered('hypervisorTypeCodeList', query.hypervisorCodes),
    ...numbered('osTypeCodeList', query.osCodes),
    ...numbered('platformCategoryCodeList', query.platformCategoryCodes),
    pageNo: query.pageNo,
    pageSize: query.pageSize,
    sortedBy: query.sortedBy,
    sortingOrder: query.sortingOrder,
  }),
  output: listOf('serverImageList', ServerImage),
  view: ({ totalRows, rows }, about) => ({
    totalRows,
    gatewayTime: about.gatewayTime,
    rows: rows.map((row) => ({
      type: row.serverImageType?.code ?? null,
      image: serverImage(row, about),
      marker: unmarked(row.serverImageDescription ?? '').marker,
    })),
  }),
})
