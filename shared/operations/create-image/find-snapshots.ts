import type { Context } from '../../context.ts'
import type { ImageContent } from '../../ncloud/actions/create-server-image-from-snapshot.ts'
import { snapshots } from '../../ncloud/reads.ts'
import { type FieldError, invalidInput, type ProblemFacts } from '../../problem.ts'
import { snapshotTime } from '../../snapshot.ts'
import { HOUR_MS } from '../../web/durations.ts'
import type { Operation, WantedContent } from '../operation.ts'
import { isUsable } from './check.ts'

/** True if a snapshot must still be looked up. */
export function seeksSnapshots({ storages }: WantedContent): boolean {
  return storages.some(({ latestSnapshotOf }) => latestSnapshotOf !== undefined)
}

/**
 * Returns the content of an operation with its snapshots filled in: the newest usable one of each named storage, at most
 * `maxAgeHours` old.
 * @throws Problem `invalid-input` if a storage has none, or `upstream-…` of the read
 */
export async function findSnapshots(
  { content, regionCode }: Operation,
  context: Context,
): Promise<ImageContent> {
  const wanted = content.storages.flatMap(({ latestSnapshotOf }) => latestSnapshotOf ?? [])
  const query = { originalBlockStorageNos: [...new Set(wanted)], regionCode }
  const found = await snapshots(query, context)
  const errors: FieldError[] = []
  const storagesWithoutSnapshot: ProblemFacts['storagesWithoutSnapshot'] = []
  const storages = content.storages.map(
    ({ latestSnapshotOf: storageNo, maxAgeHours = 0, ...rest }, order) => {
      if (storageNo === undefined) return rest
      const since = context.clock.now() - maxAgeHours * HOUR_MS
      const [newest] = found
        // NAVER Cloud does not document whether its filters are exact.
        .filter(({ originalBlockStorageNo }) => originalBlockStorageNo === storageNo)
        .map(({ snapshot }) => snapshot)
        .filter((snapshot) => isUsable(snapshot, order) && snapshotTime(snapshot) >= since)
        .sort((one, other) => snapshotTime(other) - snapshotTime(one))
      if (!newest) {
        const message = `has no usable snapshot from the last ${maxAgeHours} hours (storage ${storageNo})`
        errors.push({ path: `storages.${order}.latestSnapshotOf`, message })
        storagesWithoutSnapshot.push({ storageNo, maxAgeHours })
      }
      return { snapshotNo: newest?.snapshotNo, ...rest }
    },
  )
  if (errors.length > 0) throw invalidInput(errors, { storagesWithoutSnapshot })
  return { ...content, storages }
}
