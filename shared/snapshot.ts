import * as v from 'valibot'
import { Phase } from './image.ts'

/** A block storage snapshot. Sizes are in bytes and in GB of 2³⁰ bytes. */
export const Snapshot = v.object({
  snapshotNo: v.string(),
  name: v.nullable(v.string()),
  sizeBytes: v.nullable(v.number()),
  sizeGb: v.nullable(v.number()),
  createdAt: v.nullable(v.string()),
  bootable: v.nullable(v.boolean()),
  hypervisor: v.nullable(v.string()),
  phase: Phase,
})

/** A block storage snapshot. */
export type Snapshot = v.InferOutput<typeof Snapshot>

/** Returns the creation time of a snapshot in milliseconds since the epoch; negative infinity if it is unknown. */
export function snapshotTime({ createdAt }: Snapshot): number {
  return createdAt === null ? Number.NEGATIVE_INFINITY : Date.parse(createdAt)
}
