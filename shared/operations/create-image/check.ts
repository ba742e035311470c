import type { Phase } from '../../image.ts'
import { newestFirst, type Position } from '../../newest-first.ts'
import type { NameHolder } from '../../problem.ts'
import { type Snapshot, snapshotTime } from '../../snapshot.ts'

/** The facts for a message about a snapshot. */
export interface SnapshotFacts {
  snapshotNo: string
  regionCode: string
  phase: Phase
  hypervisor: string | null
  sizeGb: number | null
  /** The requested size of the storage that is made from it; null if the create has none. */
  storageGb: number | null
}

/** The code of a check of a snapshot. */
export type SnapshotCheckCode =
  | 'snapshot-exists'
  | 'snapshot-usable'
  | 'snapshot-kvm'
  | 'snapshot-fits'
  | 'snapshot-bootable'

/** The result of checking one requirement of a create, with the facts that were found. */
export type Check = { path: string; ok: boolean } & (
  | { code: SnapshotCheckCode; facts: SnapshotFacts }
  | { code: 'name-free'; facts: { name: string; holder: NameHolder | undefined } }
)

interface Rule {
  code: SnapshotCheckCode
  /** True if the rule is for the base storage only. */
  baseOnly?: boolean
  isKept(snapshot: Snapshot, storageGb: number | null): boolean
}

/** The rules for a snapshot from which an image is made. */
const RULES: Rule[] = [
  { code: 'snapshot-usable', isKept: ({ phase }) => phase === 'ready' },
  { code: 'snapshot-kvm', isKept: ({ hypervisor }) => hypervisor === 'KVM' },
  {
    code: 'snapshot-fits',
    isKept: ({ sizeGb }, storageGb) =>
      storageGb === null || (sizeGb !== null && sizeGb <= storageGb),
  },
  { code: 'snapshot-bootable', baseOnly: true, isKept: ({ bootable }) => bootable === true },
]

function rulesFor(order: number): Rule[] {
  return RULES.filter(({ baseOnly }) => order === 0 || !baseOnly)
}

/**
 * Returns the snapshots of a storage from which a storage of an image can be made, the newest first, and the highest number
 * first among those of the same second. `order` is the position of the storage; 0 is the base.
 */
export function usableSnapshots(
  rows: readonly { snapshot: Snapshot; originalBlockStorageNo: string | null }[],
  storageNo: string,
  order: number,
): Snapshot[] {
  return (
    rows
      // NAVER Cloud does not document whether its filters are exact.
      .filter(({ originalBlockStorageNo }) => originalBlockStorageNo === storageNo)
      .map(({ snapshot }) => snapshot)
      .filter((snapshot) => rulesFor(order).every(({ isKept }) => isKept(snapshot, null)))
      .sort((one, other) => newestFirst(positionOf(one), positionOf(other)))
  )
}

function positionOf(snapshot: Snapshot): Position {
  return { createdAt: snapshotTime(snapshot), id: snapshot.snapshotNo }
}

/** Checks the snapshot of a storage; `undefined` means a snapshot that was not found. */
export function checkSnapshot(
  snapshot: Snapshot | undefined,
  order: number,
  {
    snapshotNo,
    regionCode,
    storageGb,
  }: Pick<SnapshotFacts, 'snapshotNo' | 'regionCode' | 'storageGb'>,
): Check[] {
  const path = `storages.${order}.snapshotNo`
  const { phase = 'gone', hypervisor = null, sizeGb = null } = snapshot ?? {}
  const facts: SnapshotFacts = { snapshotNo, regionCode, phase, hypervisor, sizeGb, storageGb }
  const exists: Check = { code: 'snapshot-exists', path, ok: snapshot !== undefined, facts }
  if (!snapshot) return [exists]
  const kept = rulesFor(order).map(({ code, isKept }) => {
    return { code, path, ok: isKept(snapshot, storageGb), facts }
  })
  return [exists, ...kept]
}
