import { shareStatus, stateFields } from './codes.ts'
import { selectOne } from './list.ts'
import { digits } from './parameters.ts'
import { type Kind, type Row, states } from './shelf.ts'
import type { Action } from './world.ts'

/** A server image as the XEN and RHV actions show it. */
export interface MemberServerImage extends Row {
  originalServerNo: string
  productCode: string
  storageCount: number
  storageBytes: number
  sharedWith: string[]
}

/** The login ids that share the XEN image 3051719. They are personal data, which a client must not leak. */
export const sharedLoginIds = ['first-reader@login.example', 'second-reader@login.example']

/** XEN images. The seeds are the document's image, and a created and shared one. */
export const memberServerImages: Kind<MemberServerImage> = {
  firstNo: 50_000_001,
  blank: {
    originalServerNo: '12342010',
    productCode: 'SW.VSVR.OS.LNX64.UBNTU.SVR2004.B050',
    storageCount: 1,
    storageBytes: 53_687_091_200,
    sharedWith: [],
  },
  seeds: [
    {
      no: '12342264',
      name: 'test-xen',
      createDate: '2025-06-26T11:09:07+0900',
      state: states.creating,
    },
    {
      no: '3051719',
      name: 'xen-golden',
      createDate: '2025-06-20T09:00:00+0900',
      sharedWith: sharedLoginIds,
    },
  ],
}

function show(image: MemberServerImage) {
  return {
    memberServerImageInstanceNo: image.no,
    memberServerImageName: image.name,
    memberServerImageDescription: image.description || undefined,
    originalServerInstanceNo: image.originalServerNo,
    originalServerImageProductCode: image.productCode,
    ...stateFields('memberServerImageInstance', 'image', image.state),
    createDate: image.createDate,
    memberServerImageBlockStorageTotalRows: image.storageCount,
    memberServerImageBlockStorageTotalSize: image.storageBytes,
    shareStatus: shareStatus(image.sharedWith),
    sharedLoginIdList: image.sharedWith,
  }
}

/** Reads one XEN or RHV image. A KVM image has no member number, so it is unknown here. */
export const getMemberServerImageInstanceDetail: Action = {
  parameters: { memberServerImageInstanceNo: { ...digits, required: true } },
  perform(parameters, world) {
    const no = parameters.memberServerImageInstanceNo
    const rows = selectOne(world.memberImages.all(), no, { parameters, world })
    return { list: 'memberServerImageInstanceList', rows: rows.map(show), totalRows: rows.length }
  },
}
