import type { Caller } from '../../shared/caller.ts'
import { claimed, claimOf } from '../../shared/creation/create.ts'
import { type Creation, isSettled } from '../../shared/creation/creation.ts'
import { check } from '../../shared/creation/dry-run.ts'
import { current } from '../../shared/creation/follow.ts'
import type { Image } from '../../shared/image.ts'
import { commandOf, type Intent, intentOf, type Misreading } from '../../shared/intent.ts'
import { problemSeen } from '../../shared/log.ts'
import { ownImages, readImage } from '../../shared/ncloud/reads.ts'
import { Problem } from '../../shared/problem.ts'
import {
  type ChatName,
  type Confirmation,
  callerName,
  isAskedBy,
  type Question,
} from '../../shared/question.ts'
import type { Work } from '../../shared/work.ts'
import { type Call, portsOf } from '../call.ts'
import { listCreations, visible } from '../creations.ts'
import { listJobs, wishToRun } from '../jobs.ts'

const CONFIRMED_WITHIN_MS = 600_000
const CREATIONS_SHOWN = 10

/** What is answered to a question, in words of no language. */
export type Answer =
  | { what: 'image'; image: Image; command: string }
  | { what: 'creation'; creation: Creation }
  | { what: 'list'; of: string; lines: string[] }
  | { what: 'help' }
  | ({ what: 'misread' } & Misreading)
  | Summary
  | { what: 'started'; creation: Creation }
  | { what: 'refused'; why: 'forbidden' | 'expired'; command: string }
  /** `name` is that of the image that was to be made. */
  | { what: 'problem'; problem: Problem; name?: string }
  | { what: 'late' }

/** What somebody is asked to agree to. */
interface Summary {
  what: 'summary'
  command: 'create' | 'run'
  /** Of the image, or the job. */
  name: string
  /** Whether it would do; of a run nobody looks before. */
  state: 'fit' | 'unfit' | 'unchecked' | 'unasked'
  /** The storages, or what is wrong. */
  lines: string[]
  /** All storages together; null where that is unknown. */
  sizeGb: number | null
  confirmation: Confirmation
}

/** What conversations need. */
export interface Desk {
  callOf(caller: Caller, work: Work): Call
  /** Who may make images. */
  creators: Record<ChatName, string[]>
  dailyCreations: number | undefined
}

/** Answers a question. What goes wrong is an answer too. */
export async function converse(question: Question, desk: Desk, work: Work): Promise<Answer> {
  const { confirmed, text, replyTo } = question
  const intent = intentOf(confirmed?.command ?? text)
  if ('expected' in intent) return { what: 'misread', ...intent }
  const { dailyCreations } = desk
  const call = desk.callOf(
    { name: callerName(replyTo), scopes: ['images:read'], dailyCreations },
    work,
  )
  try {
    switch (intent.command) {
      case 'status':
        return await statusOf(intent.of, call)
      case 'creations': {
        const { lines = [] } = await listCreations({ limit: CREATIONS_SHOWN }, call)
        return { what: 'list', of: intent.command, lines }
      }
      case 'jobs': {
        const { lines = [] } = await listJobs({}, call)
        return { what: 'list', of: intent.command, lines }
      }
      case 'help':
        return { what: 'help' }
      case 'confirm':
        return { what: 'misread', command: 'confirm', understood: 'confirm', expected: 'code' }
      default:
        return await making(intent, question, desk, call)
    }
  } catch (error) {
    return { what: 'problem', problem: problemSeen(error, work.log) }
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
  const [first, ...more] = rows.map(({ image }) => image)
  if (first && more.length === 0) return { what: 'image', image: first, command }
  if (first) {
    const lines = [first, ...more].map(({ imageNo, phase }) => `${imageNo} ${phase}`)
    return { what: 'list', of: reference, lines }
  }
  const holder = await call.ports?.store.holderOf(regionCode, reference)
  if (holder?.caller === call.caller.name) return { what: 'creation', creation: holder }
  throw new Problem('image-not-found', 'There is no such image')
}

type Making = Extract<Intent, { command: 'create' | 'run' }>

/** Asks whoever may make images to agree, and starts what they have agreed to; they are looked up both times. */
async function making(
  intent: Making,
  question: Question,
  { creators }: Desk,
  call: Call,
): Promise<Answer> {
  const { confirmed, replyTo, at, id } = question
  const { chat, person } = replyTo
  const command = commandOf(intent)
  if (!creators[chat].includes(person)) return { what: 'refused', why: 'forbidden', command }
  // In a room anybody can click; whoever did not ask is asked themselves.
  if (!confirmed || !(await isAskedBy(callerName(replyTo), confirmed))) {
    const confirmation = { id, expiresAt: at + CONFIRMED_WITHIN_MS, command }
    return { what: 'summary', ...(await summaryOf(intent, call)), confirmation }
  }
  return at > confirmed.expiresAt
    ? { what: 'refused', why: 'expired', command }
    : start(intent, confirmed, question, call)
}

async function summaryOf(intent: Making, call: Call) {
  const { command } = intent
  if (command === 'run') {
    const { content } = wishToRun(intent.job, call)
    return {
      command,
      name: intent.job,
      state: 'unasked' as const,
      lines: [content.name],
      sizeGb: null,
    }
  }
  const wish = wishOf(intent, call)
  const { name } = wish.content
  const given = commandOf(intent).split(' ').slice(2)
  const ports = portsOf(call)
  try {
    const { checks, sizes } = await check(wish, ports, call.work)
    const failed = checks.filter(({ ok }) => !ok)
    const wrong = ({ path, code }: (typeof checks)[number]) =>
      `${given[Number(path.split('.')[1])] ?? name} not ${code}`
    const known = sizes.filter((size) => size !== null)
    const sum = known.reduce((all, size) => all + size, 0)
    const sizeGb = known.length === sizes.length ? sum : null
    const lines = given.map((storage, order) => `${order} ${storage} ${sizes[order] ?? '?'} GB`)
    return failed.length > 0
      ? { command, name, state: 'unfit' as const, sizeGb, lines: failed.map(wrong) }
      : { command, name, state: 'fit' as const, sizeGb, lines: [...lines, `${name} name-free`] }
  } catch (error) {
    const { retryable } = problemSeen(error, call.work.log)
    if (!retryable) throw error
    const lines = given.map((storage, order) => `${order} ${storage}`)
    return { command, name, state: 'unchecked' as const, sizeGb: null, lines }
  }
}

function wishOf({ name, storages }: Extract<Making, { command: 'create' }>, call: Call) {
  return { regionCode: call.regionCode, content: { name, storages }, notify: [] }
}

/** Claims it, and leaves the rest to the next tick: an answer cannot wait for what the gateway may take. */
async function start(
  intent: Making,
  { id }: Confirmation,
  { replyTo }: Question,
  call: Call,
): Promise<Answer> {
  const { caller, work } = call
  const ports = portsOf(call)
  const wish = intent.command === 'run' ? wishToRun(intent.job, call) : wishOf(intent, call)
  try {
    const claim = await claimOf({ ...wish, caller, key: id, replyTo }, ports.site)
    const { creation } = await claimed(claim, caller, ports, work, 0)
    // Nobody is promised to be told where there is no address for it.
    const isOver = isSettled(creation) || !replyTo.to
    return { what: isOver ? 'creation' : 'started', creation }
  } catch (error) {
    return { what: 'problem', problem: problemSeen(error, work.log), name: wish.content.name }
  }
}
