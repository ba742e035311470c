import * as v from 'valibot'
import { type Image, phaseOf } from '../../image.ts'
import { unmarked } from '../../operations/marker.ts'
import { defineAction, type ResponseMeta } from '../action.ts'
import { noSuchImage } from '../fault.ts'
import { AnswerDate, AnswerNo, CommonCode, listOf, OptionalText, sizes } from '../values.ts'

/** NCP's type MemberServerImageInstance: the fields that are read. */
const MemberServerImage = v.object({
  memberServerImageInstanceNo: AnswerNo,
  memberServerImageName: v.string(),
  memberServerImageDescription: OptionalText,
  originalServerInstanceNo: v.nullish(AnswerNo),
  originalServerImageProductCode: OptionalText,
  memberServerImageInstanceStatus: v.nullish(CommonCode),
  memberServerImageInstanceOperation: v.nullish(CommonCode),
  memberServerImageInstanceStatusName: OptionalText,
  createDate: AnswerDate,
  memberServerImageBlockStorageTotalSize: v.nullish(v.number()),
  shareStatus: v.nullish(CommonCode),
  sharedLoginIdList: v.nullish(v.array(v.string()), []),
})

/**
 * Reads one image of a XEN or RHV server. An answer without a row is `image-not-found`.
 * Source: https://api.ncloud-docs.com/docs/en/compute-vserver-serverimage-getmemberserverimageinstancedetail
 */
export const getMemberServerImageInstanceDetail = defineAction({
  name: 'getMemberServerImageInstanceDetail',
  method: 'GET',
  parameters: ({ imageNo }: { imageNo: string }) => ({ memberServerImageInstanceNo: imageNo }),
  output: listOf('memberServerImageInstanceList', MemberServerImage),
  view: ({ rows: [row] }, meta) => (row ? memberServerImage(row, meta) : noSuchImage(meta)),
})

function memberServerImage(
  row: v.InferOutput<typeof MemberServerImage>,
  { action, regionCode, requestId }: ResponseMeta,
): Image {
  const status = row.memberServerImageInstanceStatus?.code ?? null
  const operation = row.memberServerImageInstanceOperation?.code ?? null
  return {
    imageNo: row.memberServerImageInstanceNo,
    kind: 'memberServerImage',
    name: row.memberServerImageName,
    description: unmarked(row.memberServerImageDescription ?? '').description || null,
    phase: phaseOf(status, operation),
    status: { code: status, operation, name: row.memberServerImageInstanceStatusName },
    hypervisor: null,
    os: null,
    productCode: row.originalServerImageProductCode,
    createdAt: row.createDate,
    ...sizes(row.memberServerImageBlockStorageTotalSize),
    storages: null,
    originalServerNo: row.originalServerInstanceNo ?? null,
    shared: row.shareStatus?.code === 'SHARE',
    sharedWith: row.sharedLoginIdList.length,
    regionCode,
    upstream: { action, requestId },
  }
}
