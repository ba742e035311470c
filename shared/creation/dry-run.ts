import * as v from 'valibot'
import { isLost } from '../image.ts'
import { createServerImageFromSnapshot } from '../ncloud/actions/create-server-image-from-snapshot.ts'
import { pathOf, sentParameters } from '../ncloud/gateway.ts'
import { ownImages, snapshots } from '../ncloud/reads.ts'
import type { Snapshot } from '../snapshot.ts'
import type { Work } from '../work.ts'
import { claimOf, type Wish } from './create.ts'
import type { Ports } from './ports.ts'

/** One thing that a create needs, and whether it is so. */
const Check = v.object({ path: v.string(), code: v.string(), ok: v.boolean(), message: v.string() })

/** What a create would send, and whether it would do. */
export const DryRun = v.object({
  request: v.object({
    method: v.string(),
    path: v.string(),
    parameters: v.record(v.string(), v.string()),
  }),
  ready: v.boolean(),
  checks: v.array(Check),
})

type Storage = Wish['content']['storages'][number]

interface SnapshotCheck {
  code: string
  message: string
  holds(snapshot: Snapshot, storage: Storage): boolean
}

const SNAPSHOT_CHECKS: SnapshotCheck[] = [
  {
    code: 'snapshot-usable',
    message: 'The snapshot is made and idle',
    holds: ({ phase }) => phase === 'ready',
  },
  {
    code: 'snapshot-kvm',
    message: 'The snapshot is of a KVM server',
    holds: ({ hypervisor }) => hypervisor === 'KVM',
  },
  {
    code: 'snapshot-fits',
    message: 'The snapshot is not larger than the storage',
    holds: ({ sizeGb }, storage) =>
      storage.sizeGb === undefined || (sizeGb !== null && sizeGb <= storage.sizeGb),
  },
]

const BASE_CHECKS: SnapshotCheck[] = [
  ...SNAPSHOT_CHECKS,
  {
    code: 'snapshot-bootable',
    message: 'The snapshot of the base storage is bootable',
    holds: ({ bootable }) => bootable === true,
  },
]

/**
 * Says what a create would send and whether it would do. Claims nothing, and asks the gateway for reads alone.
 * @throws Problem `forbidden`, or `upstream-…` of a read
 */
export async function dryRun(
  wish: Wish,
  ports: Ports,
  work: Work,
): Promise<v.InferOutput<typeof DryRun>> {
  const { content, regionCode } = wish
  const { marker } = await claimOf(wish, ports.site)
  const { checks } = await check(wish, ports, work)
  const { method } = createServerImageFromSnapshot
  const input = { ...content, marker, regionCode }
  return {
    request: {
      method,
      path: pathOf(createServerImageFromSnapshot),
      parameters: sentParameters(createServerImageFromSnapshot, input),
    },
    ready: checks.every(({ ok }) => ok),
    checks,
  }
}

/**
 * What a create needs, and how large each storage would be: GB of 2³⁰ bytes, null where that is unknown.
 * @throws Problem `upstream-…` of a read
 */
export async function check(
  { content, regionCode }: Pick<Wish, 'content' | 'regionCode'>,
  ports: Ports,
  work: Work,
) {
  const { name, storages } = content
  const [found, named] = await Promise.all([
    snapshotsIn(storages, regionCode, ports, work),
    nameCheck(name, regionCode, ports, work),
  ])
  const checks = [...storages.flatMap((storage, at) => checksOf(storage, at, found)), named]
  const sizes = storages.map(
    ({ snapshotNo = '', sizeGb }) => sizeGb ?? found.get(snapshotNo)?.sizeGb ?? null,
  )
  return { checks, sizes }
}

async function snapshotsIn(
  storages: Storage[],
  regionCode: string,
  { gateway }: Ports,
  work: Work,
) {
  const snapshotNos = [...new Set(storages.flatMap(({ snapshotNo }) => snapshotNo ?? []))]
  const found = await snapshots(gateway, { snapshotNos, regionCode }, work)
  return new Map(found.map((snapshot) => [snapshot.snapshotNo, snapshot]))
}

function checksOf(storage: Storage, order: number, found: Map<string, Snapshot>) {
  if (storage.snapshotNo === undefined) return []
  const path = `storages.${order}.snapshotNo`
  const snapshot = found.get(storage.snapshotNo)
  const message = 'The snapshot exists in the region'
  const exists = { path, code: 'snapshot-exists', ok: snapshot !== undefined, message }
  if (!snapshot) return [exists]
  const more = order === 0 ? BASE_CHECKS : SNAPSHOT_CHECKS
  const checked = more.map(({ code, message, holds }) => {
    return { path, code, ok: holds(snapshot, storage), message }
  })
  return [exists, ...checked]
}

async function nameCheck(name: string, regionCode: string, { gateway, store }: Ports, work: Work) {
  const { rows } = await ownImages(gateway, name, { regionCode }, work)
  const holder = await store.holderOf(regionCode, name)
  const ok = holder === undefined && rows.every(({ image }) => isLost(image.phase))
  return {
    path: 'name',
    code: 'name-free',
    ok,
    message: 'No image and no live creation has the name',
  }
}
