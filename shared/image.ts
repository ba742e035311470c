import * as v from 'valibot'

/** Where an image or a snapshot is. */
export const Phase = v.picklist([
  'pending',
  'ready',
  'failed',
  'busy',
  'deleting',
  'gone',
  'unknown',
])

/** Where an image or a snapshot is. */
export type Phase = v.InferOutput<typeof Phase>

/**
 * Phases by the codes of status and operation; `*` stands for any other operation. Never by `codeName`,
 * which is localised. The operations of copying and repairing are not documented: a created image with an
 * operation that is none of these is busy.
 */
const PHASES = new Map<string, Phase>([
  ['INIT/NULL', 'pending'],
  ['INIT/CREAT', 'pending'],
  ['INIT/TERMT', 'deleting'],
  ['CREAT/NULL', 'ready'],
  ['CREAT/CREAT', 'pending'],
  ['CREAT/TERMT', 'deleting'],
  ['CREAT/*', 'busy'],
  ['CREFL/*', 'failed'],
])

/** The phase that two codes mean; codes that nobody documented are `unknown`. */
export function phaseOf(status: string | null, operation: string | null): Phase {
  if (status === null || operation === null) return 'unknown'
  return PHASES.get(`${status}/${operation}`) ?? PHASES.get(`${status}/*`) ?? 'unknown'
}

/** A phase that will not change by itself. */
export type FinalPhase = Extract<Phase, 'ready' | 'failed' | 'gone'>

/** Whether a phase will not change by itself. */
export function isFinal(phase: Phase): phase is FinalPhase {
  return phase === 'ready' || phase === 'failed' || phase === 'gone'
}

/** Whether a phase means that there is no usable image, nor will be: its name is free for another. */
export function isLost(phase: Phase): boolean {
  return phase === 'failed' || phase === 'gone'
}

const Text = v.nullable(v.string())
const Size = v.nullable(v.number())

/** A storage that an image holds. Sizes in bytes and in GB of 2³⁰ bytes. */
const Storage = v.object({
  order: v.number(),
  snapshotNo: Text,
  snapshotName: Text,
  sizeBytes: Size,
  sizeGb: Size,
  volumeType: Text,
  iops: Size,
  throughputBytesPerSecond: Size,
  encrypted: v.nullable(v.boolean()),
})

/** The one shape of an image, XEN and KVM alike: all keys are always present, null where unknown. */
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
  sizeBytes: Size,
  sizeGb: Size,
  storages: v.nullable(v.array(Storage)),
  originalServerNo: Text,
  shared: v.boolean(),
  sharedWith: v.number(),
  regionCode: v.string(),
  upstream: v.object({ action: v.string(), requestId: Text }),
})

/** The one shape of an image. */
export type Image = v.InferOutput<typeof Image>
