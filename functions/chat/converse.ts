import { type Caller, type ChatName, chatCallerName } from '../../shared/caller.ts'
import { type Check, isUsable } from '../../shared/creation/check.ts'
import { claimed, claimOf, mustHaveQuota } from '../../shared/creation/create.ts'
import { type Creation, isSettled } from '../../shared/creation/creation.ts'
import { check } from '../../shared/creation/dry-run.ts'
import { current } from '../../shared/creation/follow.ts'
import { MINUTE_MS } from '../../shared/durations.ts'
import type { Image } from '../../shared/image.ts'
import { commandOf, type Intent, intentOf, type Misreading } from '../../shared/intent.ts'
import { namesEveryMinute } from '../../shared/jobs.ts'
import { toProblem } from '../../shared/log.ts'
import type { ImageStorage } from '../../shared/ncloud/actions/create-server-image-from-snapshot.ts'
import { ownImages, readImage, snapshots } from '../../shared/ncloud/reads.ts'
import { isProblem, type Problem } from '../../shared/problem.ts'
import { type Confirmation, isAskedBy, type Question } from '../../shared/question.ts'
import { type Snapshot, snapshotTime } from '../../shared/snapshot.ts'
import type { Work } from '../../shared/work.ts'
import { type Call, portsOf } from '../call.ts'
import { visible } from '../creations.ts'
import { type JobView, jobViews, requestToRun } from '../jobs.ts'

const CONFIRMATION_MS = 10 * MINUTE_MS
const MAX_CREATIONS_SHOWN = 10
const MAX_SNAPSHOTS_SHOWN = 20

/** The answer to a command, before it is written in a language. */
export type Answer =
  | { what: 'image'; image: Image; command: string }
  | { what: 'images'; name: string; images: Image[] }
  | { what: 'creation'; creation: Creation }
  | { what: 'creations'; creations: Creation[] }
  | { what: 'snapshots'; storageNo: string; snapshots: Snapshot[] }
  | { what: 'jobs'; jobs: JobView[] }
  | { what: 'help' }
  | ({ what: 'misread' } & Misreading)
  | { what: 'notFound'; kind: 'image' | 'creation'; reference: string }
  | { what: 'noSuchJob'; job: string; jobs: string[] }
  | { what: 'minuteMissing'; job: string }
  | Summary
  | { what: 'started'; creation: Creation }
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

/** Everything that answering commands needs. */
export interface Desk {
  callOf(caller: Caller, work: Work): Call
  /** The people who may create images. */
  creators: Record<ChatName, string[]>
  dailyCreations: number | undefined
}

/** Answers a message. A failure becomes an answer, too. */
export async function converse(question: Question, desk: Desk, work: Work): Promise<Answer> {
  const { confirmed, text, replyTo } = question
  const intent = intentOf(confirmed?.command ?? text)
  if ('expected' in intent) return { what: 'misread', ...intent }
  const { dailyCreations } = desk
  const caller: Caller = { name: chatCallerName(replyTo), scopes: ['images:read'], dailyCreations }
  const call = desk.callOf(caller, work)
  try {
    return await answerTo(intent, question, desk, call)
  } catch (error) {
    const isStatus = intent.command === 'status'
    if (isStatus && isProblem(error, 'image-not-found')) {
      return { what: 'notFound', kind: 'image', reference: intent.of }
    }
    if (isStatus && isProblem(error, 'creation-not-found')) {
      return { what: 'notFound', kind: 'creation', reference: intent.of }
    }
    return { what: 'problem', problem: toProblem(error, work.log) }
  }
}

async function answerTo(
  intent: Intent,
  question: Question,
  desk: Desk,
  call: Call,
): Promise<Answer> {
  switch (intent.command) {
    case 'status':
      return statusOf(intent.of, call)
    case 'creations': {
      const query = { caller: call.caller.name, limit: MAX_CREATIONS_SHOWN }
      return { what: 'creations', creations: await portsOf(call).store.list(query) }
    }
    case 'snapshots':
      return usableSnapshots(intent.of, call)
    case 'jobs':
      return { what: 'jobs', jobs: call.jobs.length === 0 ? [] : await jobViews(call) }
    case 'help':
      return { what: 'help' }
    case 'confirm':
      // A valid code has been replaced by its command before. This code is not valid for this person.
      return { what: 'misread', command: 'confirm', understood: 'confirm', expected: 'code' }
    default:
      return confirmOrStart(intent, question, desk, call)
  }
}

async function statusOf(reference: string, call: Call): Promise<Answer> {
  const { gateway, regionCode, work } = call
  const command = commandOf({ command: 'status', of: reference })
  if (/^\d+$/.test(reference)) {
    const image = await readImage(gateway, { imageNo: reference, regionCode }, work)
    return { what: 'image', image, command }
  }
  if (reference.startsWith('cr_')) {
    const creation = await current(await visible(reference, call), portsOf(call), work)
    const { image } = creation
    return image ? { what: 'image', image, command } : { what: 'creation', creation }
  }
  const { rows } = await ownImages(gateway, reference, { regionCode }, work)
  const images = rows.map(({ image }) => image)
  const [first, ...more] = images
  if (first && more.length === 0) return { what: 'image', image: first, command }
  if (first) return { what: 'images', name: reference, images }
  const holder = await call.ports?.store.holderOf(regionCode, reference)
  if (holder?.caller === call.caller.name) return { what: 'creation', creation: holder }
  return { what: 'notFound', kind: 'image', reference }
}

/** Finds the newest snapshots of a storage that an image can be created from. */
async function usableSnapshots(storageNo: string, call: Call): Promise<Answer> {
  const { gateway, regionCode, work } = call
  const query = { originalBlockStorageNos: [storageNo], regionCode }
  const rows = await snapshots(gateway, query, work)
  const usable = rows
    // NAVER Cloud does not document whether its filters are exact.
    .filter(({ originalBlockStorageNo }) => originalBlockStorageNo === storageNo)
    .map(({ snapshot }) => snapshot)
    .filter((snapshot) => isUsable(snapshot, 1))
    .sort((one, other) => snapshotTime(other) - snapshotTime(one))
  return { what: 'snapshots', storageNo, snapshots: usable.slice(0, MAX_SNAPSHOTS_SHOWN) }
}

type ChangeIntent = Extract<Intent, { command: 'create' | 'run' }>

/** Asks for a confirmation, or starts a confirmed command. Each time, the person must be allowed to create images. */
async function confirmOrStart(
  intent: ChangeIntent,
  question: Question,
  { creators }: Desk,
  call: Call,
): Promise<Answer> {
  const { confirmed, replyTo, at, id } = question
  const { chat, person } = replyTo
  const command = commandOf(intent)
  if (!creators[chat].includes(person)) return { what: 'forbidden', person }
  if (intent.command === 'run') {
    const job = call.jobs.find(({ name }) => name === intent.job)
    const jobs = call.jobs.map(({ name }) => name)
    if (!job) return { what: 'noSuchJob', job: intent.job, jobs }
    if (!namesEveryMinute(job)) return { what: 'minuteMissing', job: intent.job }
  }
  // In a room anybody can click. A person who did not send the command gets a confirmation of their own.
  if (!confirmed || !(await isAskedBy(chatCallerName(replyTo), confirmed))) {
    await mustHaveQuota(call.caller, portsOf(call))
    const confirmation = { id, expiresAt: at + CONFIRMATION_MS, command }
    return summaryOf(intent, confirmation, call)
  }
  return at > confirmed.expiresAt
    ? { what: 'expired', command }
    : start(intent, confirmed, question, call)
}

async function summaryOf(
  intent: ChangeIntent,
  confirmation: Confirmation,
  call: Call,
): Promise<Summary> {
  if (intent.command === 'run') {
    const { content } = requestToRun(intent.job, call)
    const { job, command } = intent
    return { what: 'summary', command, job, name: content.name, confirmation }
  }
  const { name, storages, command } = intent
  const summary = { what: 'summary' as const, command, name, confirmation }
  const { caller, work } = call
  try {
    const request = { ...requestToCreate(intent, call), caller }
    const { checks, sizes } = await check(request, portsOf(call), work)
    const state = checks.every(({ ok }) => ok) ? 'fit' : 'unfit'
    const sized = storages.map((storage, order) => ({ ...storage, sizeGb: sizes[order] ?? null }))
    return { ...summary, state, checks, storages: sized }
  } catch (error) {
    const { retryable } = toProblem(error, work.log)
    if (!retryable) throw error
    const sized = storages.map((storage) => ({ ...storage, sizeGb: storage.sizeGb ?? null }))
    return { ...summary, state: 'unchecked', checks: [], storages: sized }
  }
}

function requestToCreate(
  { name, storages }: Extract<ChangeIntent, { command: 'create' }>,
  { regionCode }: Call,
) {
  return { regionCode, content: { name, storages }, notify: [] }
}

/** Claims the creation and leaves the rest to the next tick: the answer cannot wait for the gateway. */
async function start(
  intent: ChangeIntent,
  { id }: Confirmation,
  { replyTo }: Question,
  call: Call,
): Promise<Answer> {
  const { caller, work } = call
  const ports = portsOf(call)
  const request =
    intent.command === 'run' ? requestToRun(intent.job, call) : requestToCreate(intent, call)
  try {
    const claim = await claimOf({ ...request, caller, key: id, replyTo }, ports.site)
    const { creation } = await claimed(claim, caller, ports, work, 0)
    // Without an address for the result, the answer must not promise to post it.
    const isOver = isSettled(creation) || !replyTo.to
    return { what: isOver ? 'creation' : 'started', creation }
  } catch (error) {
    return { what: 'problem', problem: toProblem(error, work.log), name: request.content.name }
  }
}
