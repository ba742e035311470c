import * as v from 'valibot'
import { type Image, phaseOf } from '../../image.ts'
import { withoutMarker } from '../../operations/marker.ts'
import { defineAction, type ResponseMeta } from '../action.ts'
import { noSuchImage } from '../fault.ts'
import {
  AnswerNo,
  atMostOne,
  DecidingCode,
  ShownAmount,
  ShownCode,
  ShownDate,
  ShownList,
  ShownNo,
  ShownText,
  sharedBy,
  sizes,
} from '../values.ts'

/** NCP's type MemberServerImageInstance: the fields that are read. */
const MemberServerImage = v.object({
  memberServerImageInstanceNo: AnswerNo,
  memberServerImageName: v.string(),
  memberServerImageDescription: ShownText,
  originalServerInstanceNo: ShownNo,
  originalServerImageProductCode: ShownText,
  memberServerImageInstanceStatus: DecidingCode,
  memberServerImageInstanceOperation: DecidingCode,
  memberServerImageInstanceStatusName: ShownText,
  createDate: ShownDate,
  memberServerImageBlockStorageTotalSize: ShownAmount,
  shareStatus: ShownCode,
  sharedLoginIdList: ShownList,
})

/**
 * Reads one image of a XEN or RHV server. An answer without a row is `image-not-found`.
 * Source: https://api.ncloud-docs.com/docs/en/compute-vserver-serverimage-getmemberserverimageinstancedetail
 */
export const getMemberServerImageInstanceDetail = defineAction({
  name: 'getMemberServerImageInstanceDetail',
  method: 'GET',
  parameters: ({ imageNo }: { imageNo: string }) => ({ memberServerImageInstanceNo: imageNo }),
  output: atMostOne('memberServerImageInstanceList', MemberServerImage),
  view: ({ rows: [row] }, meta) => (row ? memberServerImage(row, meta) : noSuchImage(meta)),
})

function memberServerImage(
  row: v.InferOutput<typeof MemberServerImage>,
  { action, regionCode, requestId }: ResponseMeta,
): Image {
  const { memberServerImageInstanceStatus: status, memberServerImageInstanceOperation: operation } =
    row
  return {
    imageNo: row.memberServerImageInstanceNo,
    kind: 'memberServerImage',
    name: row.memberServerImageName,
    description: withoutMarker(row.memberServerImageDescription ?? '') || null,
    phase: phaseOf(status, operation),
    status: { code: status, operation, name: row.memberServerImageInstanceStatusName },
    hypervisor: null,
    os: null,
    productCode: row.originalServerImageProductCode,
    createdAt: row.createDate,
    ...sizes(row.memberServerImageBlockStorageTotalSize),
    storages: null,
    originalServerNo: row.originalServerInstanceNo,
    shared: sharedBy(row.shareStatus),
    sharedWith: row.sharedLoginIdList?.length ?? null,
    regionCode,
    upstream: { action, requestId },
  }
}
