/**
 * The protocol of an operation as a transition system: one record, two relay processes, a gateway and time.
 *
 * Times are ages in ticks. An age stops growing when no rule distinguishes it from a greater one. So the number of
 * states is finite, although time, invocations and crashes have no limit.
 */

/** The sizes of the world, the limits of the protocol, and its flaw, if it has one. */
export interface Rules {
  /** The maximum age of a timestamp that the gateway accepts. */
  window: number
  /** The age from which every look-up finds an image. A look-up may or may not find a younger one. */
  lag: number
  /** The age of a timestamp after which a look-up that finds nothing proves absence. */
  horizon: number
  /** The maximum number of attempts. After it, an absent image means `not_applied`. */
  maxAttempts: number
  /** The number of times that the gateway may answer "try later". */
  throttles: number
  /** The ticks by which each process's own clock is ahead of the gateway's. */
  clocksAhead: number[]
  /** The addition to the horizon when an answer lacks the gateway's time and the own clock is used. */
  ownClockMargin: number
  flaw?:
    | 'signs after the write'
    | 'sends again without a look-up'
    | 'deletes the record on an error'
    | 'runs again when the lease has expired'
    | 'ignores a record in the state sending'
    | 'finds nothing in any look-up'
    | 'reads its clock after the look-up'
    | 'writes without a condition'
    | 'delivers each message twice'
}

/** The steps of a process. Each returns all possible next states. */
const PROCESS_STEPS = {
  read,
  claim,
  lookUpBefore,
  sign,
  storeSending,
  send,
  timeOut,
  lookUp,
  judgeAbsence,
  adopt: storing('applied'),
  storeCreated: storing('applied'),
  storeRejected: storing('rejected'),
  storeAccepted: storing('accepted'),
  storeUnknown: storing('unknown'),
  storeNotCreated: storing('not_applied'),
  deleteRecord: storing('none'),
}

const OPEN_STATES = ['none', 'accepted', 'sending', 'unknown'] as const
const ENDS = ['applied', 'rejected', 'not_applied'] as const
const NAMES: string[] = [...OPEN_STATES, ...ENDS, ...Object.keys(PROCESS_STEPS)]

type RecordState = (typeof OPEN_STATES)[number] | (typeof ENDS)[number]
type ProcessStep = keyof typeof PROCESS_STEPS

/** The state of the record, or the next step of a process with the record that it read. */
interface Place<Name> {
  at: Name
  version: number
  attempt: number
  /** The age of the attempt's timestamp, or null where it has no effect. */
  signed: number | null
}

/** A create request in transit, with the version in which its attempt was stored. */
interface Message {
  signed: number
  version: number
}

/** The state of the whole system. An image is represented by its age. */
export interface State {
  record: Place<RecordState>
  processes: Place<ProcessStep>[]
  messages: Message[]
  images: number[]
  throttlesLeft: number
}

/** One possible event and the state after it. Crashes and the gateway's events are not the relay's own. */
export interface Step {
  name: string
  isOwn: boolean
  state: State
}

interface Turn {
  state: State
  rules: Rules
  id: number
  process: Place<ProcessStep>
}

const idle: Place<ProcessStep> = { at: 'read', version: 0, attempt: 0, signed: null }

/** Returns the initial state. */
export function initialState({ throttles }: Rules): State {
  const record = { ...idle, at: 'none' } as const
  return { record, processes: [idle, idle], messages: [], images: [], throttlesLeft: throttles }
}

/** Returns all possible next steps. */
export function stepsFrom(state: State, rules: Rules): Step[] {
  return [
    ...state.processes.flatMap((process, id) => stepsOfProcess({ state, rules, id, process })),
    ...state.messages.flatMap((message) => stepsOfGateway(state, rules, message)),
    { name: 'time passes', isOwn: true, state: oneTickLater(state, rules) },
  ]
}

function stepsOfProcess(turn: Turn): Step[] {
  const { at } = turn.process
  const name = `${'AB'[turn.id]} ${at}`
  const steps = PROCESS_STEPS[at](turn).map((state) => ({ name, isOwn: true, state }))
  const crash = { name: `${name}, crash before`, isOwn: false, state: goes(turn, idle) }
  return at === 'read' ? steps : [...steps, crash]
}

function read(turn: Turn): State[] {
  const { record } = turn.state
  const { flaw, window } = turn.rules
  const go = (at: ProcessStep) =>
    goes(turn, { ...record, at, signed: at === 'lookUp' ? record.signed : null })
  if (record.at === 'none') return [go('claim')]
  if (record.at === 'accepted' && record.attempt === 0) return [go('lookUpBefore')]
  // The relay obeys "try later" only for a limited time.
  if (record.at === 'accepted') return [go(firstOfAttempt(turn)), go('storeRejected')]
  if (record.at === 'unknown') return [go('lookUp')]
  if (record.at !== 'sending' || flaw === 'ignores a record in the state sending') return []
  if (flaw !== 'runs again when the lease has expired') return [go('storeUnknown')]
  return (record.signed ?? 0) > window ? [go(firstOfAttempt(turn))] : []
}

function claim(turn: Turn): State[] {
  const claimant: Turn['process'] = {
    ...idle,
    at: 'lookUpBefore',
    version: turn.process.version + 1,
  }
  return compareAndSet(turn, { at: 'accepted', attempt: 0 }, claimant)
}

function lookUpBefore(turn: Turn): State[] {
  return sights(turn).map((isFound) =>
    goes(turn, { ...turn.process, at: isFound ? 'adopt' : firstOfAttempt(turn) }),
  )
}

function firstOfAttempt({ rules }: Turn): ProcessStep {
  return rules.flaw === 'signs after the write' ? 'storeSending' : 'sign'
}

function sign(turn: Turn): State[] {
  const at = turn.rules.flaw === 'signs after the write' ? 'send' : 'storeSending'
  return [goes(turn, { ...turn.process, at, signed: 0 })]
}

function storeSending(turn: Turn): State[] {
  const { rules, process } = turn
  const signed = process.signed ?? 0
  const at = rules.flaw === 'signs after the write' ? 'sign' : 'send'
  const change = { at: 'sending', attempt: process.attempt + 1, signed } as const
  return compareAndSet(turn, change, { ...idle, at, version: process.version + 1, signed })
}

function send(turn: Turn): State[] {
  const { process, rules, state } = turn
  const message = { signed: process.signed ?? 0, version: process.version }
  const sent = rules.flaw === 'delivers each message twice' ? [message, { ...message }] : [message]
  const waiting: Turn['process'] = { ...process, at: 'timeOut', signed: null }
  return [goes(turn, waiting, { messages: [...state.messages, ...sent] })]
}

/** Ends the wait for an answer. The answer itself is a step of the gateway. */
function timeOut(turn: Turn): State[] {
  const { flaw } = turn.rules
  const again = { ...turn.process, at: 'send', signed: 0 } as const
  if (flaw === 'sends again without a look-up') return [goes(turn, again)]
  const at = flaw === 'deletes the record on an error' ? 'deleteRecord' : 'storeUnknown'
  return [goes(turn, { ...turn.process, at })]
}

function lookUp(turn: Turn): State[] {
  const { process, rules } = turn
  const isLate = rules.flaw === 'reads its clock after the look-up'
  const onAbsence = isLate ? [goes(turn, { ...process, at: 'judgeAbsence' })] : judgeAbsence(turn)
  const onFound = goes(turn, { ...process, at: 'adopt', signed: null })
  return sights(turn).flatMap((isFound) => (isFound ? onFound : onAbsence))
}

/** Judges absence by the gateway's time in the answer, or by the own clock as read before the look-up. */
function judgeAbsence(turn: Turn): State[] {
  const { process, rules, id } = turn
  const { horizon, clocksAhead, ownClockMargin, maxAttempts } = rules
  const signed = process.signed ?? 0
  const signedByOwnClock = signed + (clocksAhead[id] ?? 0)
  if (signed <= horizon && signedByOwnClock <= horizon + ownClockMargin) return [goes(turn, idle)]
  const at = process.attempt < maxAttempts ? firstOfAttempt(turn) : 'storeNotCreated'
  return [goes(turn, { ...process, at, signed: null })]
}

/** Returns the possible results of a look-up. It may miss a young image. */
function sights({ state: { images }, rules }: Turn): boolean[] {
  if (images.length === 0 || rules.flaw === 'finds nothing in any look-up') return [false]
  return images.some((age) => age >= rules.lag) ? [true] : [true, false]
}

function storing(at: RecordState) {
  return (turn: Turn) => {
    const signed = at === 'unknown' ? turn.state.record.signed : null
    return compareAndSet(turn, { at, signed }, idle)
  }
}

/** Writes if the record still has the version that was read. Otherwise the process stops. */
function compareAndSet(turn: Turn, change: Partial<State['record']>, then: Turn['process']) {
  const { record } = turn.state
  const isLost = record.version !== turn.process.version
  if (isLost && turn.rules.flaw !== 'writes without a condition') return [goes(turn, idle)]
  return [goes(turn, then, { record: { ...record, ...change, version: record.version + 1 } })]
}

function goes({ state, id }: Turn, process: Turn['process'], changes: Partial<State> = {}): State {
  return { ...state, ...changes, processes: state.processes.with(id, process) }
}

function stepsOfGateway(state: State, { window }: Rules, message: Message): Step[] {
  const { messages, images, throttlesLeft } = state
  const gone = { ...state, messages: messages.filter((other) => other !== message) }
  const made = { ...gone, images: [...images, 0] }
  const throttled = { ...gone, throttlesLeft: throttlesLeft - 1 }
  const step = (name: string, after: State) => ({
    name: `gateway ${name}`,
    isOwn: false,
    state: after,
  })
  const steps = [
    step('never gets the message', gone),
    step('refuses', answered(gone, message, 'storeRejected')),
  ]
  if (message.signed <= window) {
    steps.unshift(step('makes the image, the answer is lost', made))
    steps.push(step('makes the image', answered(made, message, 'storeCreated')))
  }
  if (throttlesLeft > 0) {
    steps.push(step('answers "try later"', answered(throttled, message, 'storeAccepted')))
  }
  return steps
}

/** Moves the process that still waits for the answer to the step that stores it. */
function answered(state: State, { version }: Message, at: ProcessStep): State {
  const moved = (process: Turn['process']) =>
    process.at === 'timeOut' && process.version === version ? { ...process, at } : process
  return { ...state, processes: state.processes.map(moved) }
}

function oneTickLater(state: State, { window, lag, horizon }: Rules): State {
  // Past the horizon the gateway's clock proves absence, so a greater age makes no difference.
  const older = <Name>(place: Place<Name>) =>
    place.signed === null ? place : { ...place, signed: Math.min(place.signed + 1, horizon + 1) }
  return {
    ...state,
    record: older(state.record),
    processes: state.processes.map(older),
    messages: state.messages.map(({ signed, version }) => ({
      signed: Math.min(signed + 1, window + 1),
      version,
    })),
    images: state.images.map((age) => Math.min(age + 1, lag)),
  }
}

/** True if the operation has ended. */
export function isEnd({ record }: State): boolean {
  return ENDS.some((end) => end === record.at)
}

/** Returns the rule that a step breaks, if any. */
export function violationOf(before: State, after: State, { window }: Rules): string | undefined {
  const { record, images, messages } = after
  const was = before.record
  const isWritten = record.at !== was.at || record.version !== was.version
  const isDenied = isEnd(after) && record.at !== 'applied'
  const mayBeMade = messages.some(({ signed }) => signed <= window)
  if (images.length > 1) return 'two images'
  if (isDenied && (images.length > 0 || mayBeMade))
    return 'an image of an operation that was denied'
  if (record.at === 'applied' && images.length === 0) return 'applied without an image'
  if (isWritten && isEnd(before)) return 'an end that was not the end'
  if (isWritten && record.version <= was.version) return 'a version that did not increase'
  return undefined
}

/** Returns a short string that identifies a state. */
export function encoded({ record, processes, messages, images, throttlesLeft }: State): string {
  const codes = [throttlesLeft, images.length, ...images]
  for (const { at, version, attempt, signed } of [record, ...processes]) {
    codes.push(NAMES.indexOf(at), version, attempt, signed === null ? 0 : signed + 1)
  }
  const inOrder = messages.toSorted((a, b) => a.signed - b.signed || a.version - b.version)
  for (const { signed, version } of inOrder) codes.push(signed, version)
  return String.fromCharCode(...codes)
}
