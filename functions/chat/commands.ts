import { checkCreate, startCreate } from '../../shared/api/create-image.ts'
import { getImage, listImages } from '../../shared/api/images.ts'
import { type JobSummary, listJobs, requestToRun, runJob } from '../../shared/api/jobs.ts'
import { findOwnHolder, getOperation, listOperations } from '../../shared/api/operations.ts'
import type { RequestContext } from '../../shared/api/request-context.ts'
import { listSnapshots } from '../../shared/api/snapshots.ts'
import { type ChatName, chatCallerName } from '../../shared/caller.ts'
import { type ChatCommand, type Confirmation, isAskedBy } from '../../shared/chat/command.ts'
import { commandOf, type Intent, intentOf, type Misreading } from '../../shared/chat/grammar.ts'
import type { Image } from '../../shared/image.ts'
import { namesEveryMinute } from '../../shared/jobs/job.ts'
import { toProblem } from '../../shared/log.ts'
import type { ImageStorage } from '../../shared/ncloud/actions/create-server-image-from-snapshot.ts'
import { type Check, usableSnapshots } from '../../shared/operations/create-image/check.ts'
import { isSettled, type Operation } from '../../shared/operations/operation.ts'
import { mustHaveQuota } from '../../shared/operations/quota.ts'
import { isProblem, type Problem } from '../../shared/problem.ts'
import type { Snapshot } from '../../shared/snapshot.ts'
import { MINUTE_MS } from '../../shared/web/durations.ts'

const CONFIRMATION_MS = 10 * MINUTE_MS
const MAX_OPERATIONS_SHOWN = 10
const MAX_SNAPSHOTS_SHOWN = 20

/** The answer to a command, before it is written in a language. */
export type Answer =
  | { what: 'image'; image: Image; command: string }
  | { what: 'images'; name: string; images: Image[] }
  | { what: 'operation'; operation: Operation }
  | { what: 'operations'; operations: Operation[] }
  | { what: 'snapshots'; storageNo: string; snapshots: Snapshot[] }
  | { what: 'jobs'; jobs: JobSummary[] }
  | { what: 'help' }
  | ({ what: 'misread' } & Misreading)
  | { what: 'notFound'; kind: 'image' | 'operation'; reference: string }
  | { what: 'noSuchJob'; job: string; jobs: string[] }
  | { what: 'minuteMissing'; job: string }
  | Summary
  | { what: 'started'; operation: Operation }
  | { what: 'forbidden'; person: string }
  | { what: 'expired'; command: string }
  /** `name` is the name of the requested image. */
  | { what: 'problem'; problem: Problem; name?: string }
  | { what: 'late' }

/** A command that waits for a confirmation. */
export type Summary = { what: 'summary'; confirmation: Confirmation } & (
  | { command: 'run'; job: string; name: string }
  | {
      command: 'create'
      name: string
      /** `unchecked` if NAVER Cloud was too slow to check it. */
      state: 'fit' | 'unfit' | 'unchecked'
      checks: Check[]
      storages: SizedStorage[]
    }
)

/** A storage with the size that it gets: GB of 2³⁰ bytes, null if unknown. */
export type SizedStorage = Pick<ImageStorage, 'snapshotNo' | 'volumeType'> & {
  sizeGb: number | null
}

/** The settings of chats that answering commands needs. */
export interface ChatSettings {
  /** The people who may create images. */
  creators: Record<ChatName, string[]>
}

/** Answers a message. A failure becomes an answer, too. */
export async function answerCommand(
  chatCommand: ChatCommand,
  settings: ChatSettings,
  context: RequestContext,
): Promise<Answer> {
  const { confirmed, text } = chatCommand
  const intent = intentOf(confirmed?.command ?? text)
  if ('expected' in intent) return { what: 'misread', ...intent }
  try {
    return await answerTo(intent, chatCommand, settings, context)
  } catch (error) {
    const isStatus = intent.command === 'status'
    if (isStatus && isProblem(error, 'image-not-found')) {
      return { what: 'notFound', kind: 'image', reference: intent.of }
    }
    if (isStatus && isProblem(error, 'operation-not-found')) {
      return { what: 'notFound', kind: 'operation', reference: intent.of }
    }
    return { what: 'problem', problem: toProblem(error, context.log) }
  }
}

async function answerTo(
  intent: Intent,
  chatCommand: ChatCommand,
  settings: ChatSettings,
  context: RequestContext,
): Promise<Answer> {
  switch (intent.command) {
    case 'status':
      return statusAnswer(intent.of, context)
    case 'recent': {
      // A person asks for their own operations, without those of jobs.
      const { items } = await listOperations.run(
        { limit: MAX_OPERATIONS_SHOWN },
        { ...context, jobs: [] },
      )
      return { what: 'operations', operations: items }
    }
    case 'snapshots':
      return snapshotsAnswer(intent.of, context)
    case 'jobs':
      return {
        what: 'jobs',
        jobs: context.jobs.length === 0 ? [] : await listJobs.run({}, context),
      }
    case 'help':
      return { what: 'help' }
    case 'confirm':
      // A valid code has been replaced by its command before. This code is not valid for this person.
      return { what: 'misread', command: 'confirm', understood: 'confirm', expected: 'code' }
    default:
      return confirmOrStart(intent, chatCommand, settings, context)
  }
}

async function statusAnswer(reference: string, context: RequestContext): Promise<Answer> {
  const command = commandOf({ command: 'status', of: reference })
  if (/^\d+$/.test(reference)) {
    const image = await getImage.run({ no: reference }, context)
    return { what: 'image', image, command }
  }
  if (reference.startsWith('op_')) {
    const operation = await getOperation.run({ id: reference }, context)
    const { result } = operation
    return result ? { what: 'image', image: result, command } : { what: 'operation', operation }
  }
  const { items: images } = await listImages.run({ name: reference }, context)
  const [first, ...more] = images
  if (first && more.length === 0) return { what: 'image', image: first, command }
  if (first) return { what: 'images', name: reference, images }
  const operation = await findOwnHolder(reference, context)
  return operation
    ? { what: 'operation', operation }
    : { what: 'notFound', kind: 'image', reference }
}

/** Finds the newest snapshots of a storage that an image can be created from. */
async function snapshotsAnswer(storageNo: string, context: RequestContext): Promise<Answer> {
  const rows = await listSnapshots.run({ originalBlockStorageNo: storageNo }, context)
  const snapshots = usableSnapshots(rows, storageNo, 1).slice(0, MAX_SNAPSHOTS_SHOWN)
  return { what: 'snapshots', storageNo, snapshots }
}

type ChangeIntent = Extract<Intent, { command: 'create' | 'run' }>

/** Asks for a confirmation, or starts a confirmed command. Each time, the person must be allowed to create images. */
async function confirmOrStart(
  intent: ChangeIntent,
  chatCommand: ChatCommand,
  { creators }: ChatSettings,
  context: RequestContext,
): Promise<Answer> {
  const { confirmed, replyTo, at, id } = chatCommand
  const { chat, person } = replyTo
  const command = commandOf(intent)
  if (!creators[chat].includes(person)) return { what: 'forbidden', person }
  if (intent.command === 'run') {
    const job = context.jobs.find(({ name }) => name === intent.job)
    const jobs = context.jobs.map(({ name }) => name)
    if (!job) return { what: 'noSuchJob', job: intent.job, jobs }
    if (!namesEveryMinute(job)) return { what: 'minuteMissing', job: intent.job }
  }
  // In a room anybody can click. A person who did not send the command gets a confirmation of their own.
  if (!confirmed || !(await isAskedBy(chatCallerName(replyTo), confirmed))) {
    await mustHaveQuota(context.caller, context)
    const confirmation = { id, expiresAt: at + CONFIRMATION_MS, command }
    return summaryOf(intent, confirmation, context)
  }
  return at > confirmed.expiresAt
    ? { what: 'expired', command }
    : start(intent, confirmed, chatCommand, context)
}

async function summaryOf(
  intent: ChangeIntent,
  confirmation: Confirmation,
  context: RequestContext,
): Promise<Summary> {
  if (intent.command === 'run') {
    const { input } = requestToRun(intent.job, context)
    const { job, command } = intent
    return { what: 'summary', command, job, name: input.name, confirmation }
  }
  const { name, storages, command } = intent
  const summary = { what: 'summary' as const, command, name, confirmation }
  try {
    const { checks, sizes } = await checkCreate({ name, storages }, context)
    const state = checks.every(({ ok }) => ok) ? 'fit' : 'unfit'
    const sized = storages.map((storage, order) => ({ ...storage, sizeGb: sizes[order] ?? null }))
    return { ...summary, state, checks, storages: sized }
  } catch (error) {
    const { retryable } = toProblem(error, context.log)
    if (!retryable) throw error
    const sized = storages.map((storage) => ({ ...storage, sizeGb: storage.sizeGb ?? null }))
    return { ...summary, state: 'unchecked', checks: [], storages: sized }
  }
}

/** Claims the operation and leaves the rest to the next tick: the answer cannot wait for the gateway. */
async function start(
  intent: ChangeIntent,
  { id }: Confirmation,
  { replyTo }: ChatCommand,
  context: RequestContext,
): Promise<Answer> {
  const claiming = { ...context, key: { origin: 'chat-button' as const, value: id }, replyTo }
  const { name } = intent.command === 'run' ? requestToRun(intent.job, context).input : intent
  try {
    const { operation } =
      intent.command === 'run'
        ? await runJob.run({ name: intent.job }, claiming)
        : await startCreate({ name, storages: intent.storages }, claiming)
    // Without an address for the result, the answer must not promise to post it.
    const isOver = isSettled(operation) || !replyTo.to
    return { what: isOver ? 'operation' : 'started', operation }
  } catch (error) {
    return { what: 'problem', problem: toProblem(error, context.log), name }
  }
}
