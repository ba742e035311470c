import * as v from 'valibot'

/** The phase of an image or a snapshot. */
export const Phase = v.picklist([
  'pending',
  'ready',
  'failed',
  'busy',
  'deleting',
  'gone',
  'unknown',
])

/** The phase of an image or a snapshot. */
export type Phase = v.InferOutput<typeof Phase>

/**
 * The phases by the codes of status and operation; `*` means any other operation. `codeName` is not used, because it is
 * localised. The operations of copying and repairing are not documented, so a created image with an operation that is
 * not listed here is busy.
 */
const PHASES = new Map<string, Phase>([
  ['INIT/NULL', 'pending'],
  ['INIT/CREAT', 'pending'],
  ['INIT/TERMT', 'deleting'],
  ['CREAT/NULL', 'ready'],
  ['CREAT/CREAT', 'pending'],
  ['CREAT/TERMT', 'deleting'],
  ['CREAT/*', 'busy'],
])

/** Returns the phase for the codes of status and operation; undocumented codes are `unknown`. */
export function phaseOf(status: string | null, operation: string | null): Phase {
  // An image whose creation failed stays failed, whatever its operation is.
  if (status === 'CREFL') return 'failed'
  if (status === null || operation === null) return 'unknown'
  return PHASES.get(`${status}/${operation}`) ?? PHASES.get(`${status}/*`) ?? 'unknown'
}

/** The phases that do not change by themselves. */
export const FINAL_PHASES = ['ready', 'failed', 'gone'] as const

/** A phase that does not change by itself. */
type FinalPhase = (typeof FINAL_PHASES)[number]

/** True for a phase that does not change by itself. */
export function isFinal(phase: Phase): phase is FinalPhase {
  return (FINAL_PHASES as readonly Phase[]).includes(phase)
}

/** True for a phase in which the image is not usable and never will be. Its name is free. */
export function isLost(phase: Phase): boolean {
  return phase === 'failed' || phase === 'gone'
}

const Text = v.nullable(v.string())
const Amount = v.nullable(v.number())

/** A storage of an image. Sizes are in bytes and in GB of 2³⁰ bytes. */
const Storage = v.object({
  order: v.number(),
  snapshotNo: Text,
  snapshotName: Text,
  sizeBytes: Amount,
  sizeGb: Amount,
  volumeType: Text,
  iops: Amount,
  throughputBytesPerSecond: Amount,
  encrypted: v.nullable(v.boolean()),
})

/** An image in the shape of the API, for every hypervisor. All keys are always present, null where unknown. */
export const Image = v.object({
  imageNo: v.string(),
  kind: v.picklist(['serverImage', 'memberServerImage']),
  name: v.string(),
  description: Text,
  phase: Phase,
  status: v.object({ code: Text, operation: Text, name: Text }),
  hypervisor: Text,
  os: Text,
  productCode: Text,
  createdAt: Text,
  sizeBytes: Amount,
  sizeGb: Amount,
  storages: v.nullable(v.array(Storage)),
  originalServerNo: Text,
  shared: v.nullable(v.boolean()),
  sharedWith: Amount,
  regionCode: v.string(),
  upstream: v.object({ action: v.string(), requestId: Text }),
})

/** An image in the shape of the API. */
export type Image = v.InferOutput<typeof Image>
