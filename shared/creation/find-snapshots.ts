import type { ImageContent } from '../ncloud/actions/create-server-image-from-snapshot.ts'
import { snapshotsOf } from '../ncloud/reads.ts'
import { type FieldError, invalidInput } from '../problem.ts'
import type { Snapshot } from '../snapshot.ts'
import type { Work } from '../work.ts'
import type { Creation, WantedContent } from './creation.ts'
import type { Ports } from './ports.ts'

const HOUR_MS = 3_600_000

/** Whether snapshots have yet to be found. */
export function seeksSnapshots({ storages }: WantedContent): boolean {
  return storages.some(({ latestSnapshotOf }) => latestSnapshotOf !== undefined)
}

/**
 * The content of a creation with the newest usable snapshots that were meant: made, idle, KVM, for the base bootable,
 * and not too old.
 * @throws Problem `invalid-input` where a storage has none, or `upstream-…` of the read
 */
export async function findSnapshots(
  { content, regionCode }: Creation,
  { gateway, clock }: Ports,
  work: Work,
): Promise<ImageContent> {
  const wanted = content.storages.flatMap(({ latestSnapshotOf }) => latestSnapshotOf ?? [])
  const found = await snapshotsOf(gateway, [...new Set(wanted)], { regionCode }, work)
  const errors: FieldError[] = []
  const storages = content.storages.map(({ latestSnapshotOf, maxAgeHours, ...rest }, order) => {
    if (latestSnapshotOf === undefined) return rest
    const since = clock.now() - (maxAgeHours ?? 0) * HOUR_MS
    const [newest] = found
      // Whether the gateway's own filters are exact is not documented.
      .filter(({ originalBlockStorageNo }) => originalBlockStorageNo === latestSnapshotOf)
      .map(({ snapshot }) => snapshot)
      .filter((snapshot) => isUsable(snapshot, order) && madeAt(snapshot) >= since)
      .sort((one, other) => madeAt(other) - madeAt(one))
    if (!newest) errors.push(noneOf(latestSnapshotOf, maxAgeHours, order))
    return { snapshotNo: newest?.snapshotNo, ...rest }
  })
  if (errors.length > 0) throw invalidInput(errors)
  return { ...content, storages }
}

function noneOf(storageNo: string, hours: number | undefined, order: number): FieldError {
  const message = `(${storageNo}) has no usable snapshot of the last ${hours} hours`
  return { path: `storages.${order}.latestSnapshotOf`, message }
}

function isUsable({ phase, hypervisor, bootable }: Snapshot, order: number): boolean {
  return phase === 'ready' && hypervisor === 'KVM' && (order > 0 || bootable === true)
}

function madeAt({ createdAt }: Snapshot): number {
  return createdAt === null ? Number.NEGATIVE_INFINITY : Date.parse(createdAt)
}
