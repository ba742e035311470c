import type { Image } from '../../../shared/image.ts'
import type { JobsRecord } from '../../../shared/jobs/record.ts'
import { imageNameHold } from '../../../shared/operations/create-image/holds.ts'
import type { Author, Claim } from '../../../shared/operations/transitions.ts'
import type { Notice } from '../../../shared/outbox/notice.ts'

/** Returns the author of a change at a time. */
export function by(at: number, actor = 'key:ci'): Author {
  return { clock: { now: () => at, sleep: async () => {} }, actor }
}

/** Returns an image in a phase. */
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

/** Returns a storage of an image, made of a snapshot or new. */
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

/** Returns a claim with a new key and a new name, unless they are given. */
export function claim(more: Partial<Claim> & { name?: string } = {}): Claim {
  const no = ++claims
  const { name = `web-${no}`, regionCode = 'KR', ...rest } = more
  return {
    operationId: `op_${String(no).padStart(32, '0')}`,
    keyHash: `hash-${no}`,
    keyIsExplicit: true,
    fingerprint: 'print',
    caller: 'key:ci',
    regionCode,
    kind: 'createImage',
    name,
    input: { name, storages: [{ snapshotNo: '1' }] },
    holds: [imageNameHold(regionCode, name)],
    notify: ['ops'],
    marker: '0123456789abcdef',
    ...rest,
  }
}

/** Returns a notice that is due at a time. */
export function notice(id: string, dueAt: number, target = 'ops'): Notice {
  const event = {
    what: 'overdue' as const,
    at: 1,
    job: 'web',
    expectEveryHours: 26,
    lastReadyAt: null,
  }
  return { id, target, version: 1, event, tries: 0, dueAt }
}

/** Returns the record of a job as the ticks write it. */
export function jobsRecord(version: number): JobsRecord {
  const job = {
    cron: '0 3 * * *',
    timeZone: 'UTC',
    seenAt: 1,
    lastSeenAt: 2,
    ranAt: 2,
    readyAt: null,
  }
  return { version, tickedAt: 3, jobs: { web: { ...job, overdueAt: null } } }
}
