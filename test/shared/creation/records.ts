import type { Act, Claim } from '../../../shared/creation/creation.ts'
import type { Image } from '../../../shared/image.ts'

/** A caller's act at that time. */
export function by(at: number): Act {
  return { at, actor: 'key:ci' }
}

/** An image in a phase. */
export function image(phase: string): Image {
  return {
    imageNo: '30000001',
    kind: 'serverImage',
    name: 'web',
    description: null,
    phase: phase as Image['phase'],
    status: { code: null, operation: null, name: null },
    hypervisor: null,
    os: null,
    productCode: null,
    createdAt: null,
    sizeBytes: null,
    sizeGb: null,
    storages: null,
    originalServerNo: null,
    shared: false,
    sharedWith: 0,
    regionCode: 'KR',
    upstream: { action: 'getServerImageDetail', requestId: null },
  }
}

/** A storage of an image, made of a snapshot or new. */
export function storage(order: number, snapshotNo: string | null) {
  return {
    order,
    snapshotNo,
    snapshotName: null,
    sizeBytes: null,
    sizeGb: null,
    volumeType: null,
    iops: null,
    throughputBytesPerSecond: null,
    encrypted: null,
  }
}

let claims = 0

/** A claim with a key and a name of its own, unless they are given. */
export function claim(more: Partial<Claim> & { name?: string } = {}): Claim {
  const no = ++claims
  const { name = `web-${no}`, ...rest } = more
  return {
    creationId: `cr_${String(no).padStart(32, '0')}`,
    keyHash: `hash-${no}`,
    keyIsExplicit: true,
    fingerprint: 'print',
    caller: 'key:ci',
    regionCode: 'KR',
    content: { name, storages: [{ snapshotNo: '1' }] },
    notify: ['ops'],
    marker: '0123456789abcdef',
    ...rest,
  }
}
