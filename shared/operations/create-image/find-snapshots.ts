import type { Context } from '../../context.ts'
import type { ImageContent } from '../../ncloud/actions/create-server-image-from-snapshot.ts'
import { snapshots } from '../../ncloud/reads.ts'
import { type FieldError, invalidInput, type ProblemFacts } from '../../problem.ts'
import { snapshotTime } from '../../snapshot.ts'
import { HOUR_MS } from '../../web/durations.ts'
import { usableSnapshots } from './check.ts'
import { type CreateImageInput, isSought } from './content.ts'

/**
 * Returns an input with its snapshots filled in: the newest usable one of each named storage, at most `maxAgeHours` old.
 * @throws Problem `invalid-input` if a storage has none, or `upstream-…` of the read
 */
export async function findSnapshots(
  input: CreateImageInput,
  regionCode: string,
  context: Context,
): Promise<ImageContent> {
  const wanted = input.storages.filter(isSought).map((one) => one.latestSnapshotOf)
  const query = { originalBlockStorageNos: [...new Set(wanted)], regionCode }
  const found = await snapshots(query, context)
  const errors: FieldError[] = []
  const storagesWithoutSnapshot: ProblemFacts['storagesWithoutSnapshot'] = []
  const storages = input.storages.flatMap((storage, order) => {
    if (!isSought(storage)) return [storage]
    const { latestSnapshotOf: storageNo, maxAgeHours, ...rest } = storage
    const since = context.clock.now() - maxAgeHours * HOUR_MS
    const [newest] = usableSnapshots(found, storageNo, order)
    if (newest && snapshotTime(newest) >= since) return [{ ...rest, snapshotNo: newest.snapshotNo }]
    const message = `has no usable snapshot from the last ${maxAgeHours} hours (storage ${storageNo})`
    errors.push({ path: `storages.${order}.latestSnapshotOf`, message })
    storagesWithoutSnapshot.push({ storageNo, maxAgeHours })
    return []
  })
  if (errors.length > 0) throw invalidInput(errors, { storagesWithoutSnapshot })
  return { ...input, storages }
}
