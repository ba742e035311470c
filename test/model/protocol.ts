/**
 * The protocol of a creation as a transition system: one record, two relay processes, a gateway and time.
 *
 * Times are ages in ticks, and an age stops growing where no rule tells it from a greater one. So the states are
 * finitely many, although neither time nor the number of invocations and crashes has a bound.
 */

/** The sizes of the world, the limits of the protocol, and what is wrong with it, if anything. */
export interface Rules {
  /** The gateway refuses a message whose timestamp is older. */
  window: number
  /** An image of this age is in every look-up; a younger one may be in it or not. */
  lag: number
  /** A look-up that finds nothing proves absence once the timestamp is older. */
  horizon: number
  /** From `unknown` there is no attempt after this one. */
  maxAttempts: number
  /** How often the gateway may say "try later". */
  throttles: number
  /** How far the own clock of each process is ahead of the gateway's. */
  clocksAhead: number[]
  /** Added to the horizon where an answer does not tell the gateway's clock, and the own one has to do. */
  ownClockMargin: number
  flaw?:
    | 'signs after the write'
    | 'sends again blindly'
    | 'deletes the record on an error'
    | 'runs again when the lease is over'
    | 'leaves what it finds sending'
    | 'looks nothing up'
    | 'reads its clock after the look-up'
    | 'writes without condition'
    | 'is delivered twice'
}

/** The steps of a process, each with all that it may come to. */
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
  adopt: storing('created'),
  storeCreated: storing('created'),
  storeRejected: storing('rejected'),
  storeAccepted: storing('accepted'),
  storeUnknown: storing('unknown'),
  storeNotCreated: storing('not_created'),
  deleteRecord: storing('none'),
}

const OPEN_STATES = ['none', 'accepted', 'sending', 'unknown'] as const
const ENDS = ['created', 'rejected', 'not_created'] as const
const NAMES: string[] = [...OPEN_STATES, ...ENDS, ...Object.keys(PROCESS_STEPS)]

type RecordState = (typeof OPEN_STATES)[number] | (typeof ENDS)[number]
type ProcessStep = keyof typeof PROCESS_STEPS

/** The record is at a state; a process is at the step that it takes next, and remembers the record it read. */
interface Place<Name> {
  at: Name
  version: number
  attempt: number
  /** The age of the attempt's timestamp, where it matters. */
  signed: number | null
}

/** A create on its way, of the attempt that was stored as that version. */
interface Message {
  signed: number
  version: number
}

/** All there is at one moment; images are told by their age. */
export interface State {
  record: Place<RecordState>
  processes: Place<ProcessStep>[]
  messages: Message[]
  images: number[]
  throttlesLeft: number
}

/** One thing that may happen, and the state after it; the relay's own things are no crash and not the gateway's. */
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

/** The state before anything happened. */
export function initialState({ throttles }: Rules): State {
  const record = { ...idle, at: 'none' } as const
  return { record, processes: [idle, idle], messages: [], images: [], throttlesLeft: throttles }
}

/** All that may happen next. */
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
  // "Try later" is obeyed for so long only.
  if (record.at === 'accepted') return [go(firstOfAttempt(turn)), go('storeRejected')]
  if (record.at === 'unknown') return [go('lookUp')]
  if (record.at !== 'sending' || flaw === 'leaves what it finds sending') return []
  if (flaw !== 'runs again when the lease is over') return [go('storeUnknown')]
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
  const sent = rules.flaw === 'is delivered twice' ? [message, { ...message }] : [message]
  const waiting: Turn['process'] = { ...process, at: 'timeOut', signed: null }
  return [goes(turn, waiting, { messages: [...state.messages, ...sent] })]
}

/** What a process that waits for an answer does by itself; to answer is a step of the gateway. */
function timeOut(turn: Turn): State[] {
  const { flaw } = turn.rules
  const again = { ...turn.process, at: 'send', signed: 0 } as const
  if (flaw === 'sends again blindly') return [goes(turn, again)]
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

/** The end of the look-up: by the gateway's clock in its answer, or by the own one as it was before. */
function judgeAbsence(turn: Turn): State[] {
  const { process, rules, id } = turn
  const { horizon, clocksAhead, ownClockMargin, maxAttempts } = rules
  const signed = process.signed ?? 0
  const signedByOwnClock = signed + (clocksAhead[id] ?? 0)
  if (signed <= horizon && signedByOwnClock <= horizon + ownClockMargin) return [goes(turn, idle)]
  const at = process.attempt < maxAttempts ? firstOfAttempt(turn) : 'storeNotCreated'
  return [goes(turn, { ...process, at, signed: null })]
}

/** What a look-up may find: while an image is young, it or nothing. */
function sights({ state: { images }, rules }: Turn): boolean[] {
  if (images.length === 0 || rules.flaw === 'looks nothing up') return [false]
  return images.some((age) => age >= rules.lag) ? [true] : [true, false]
}

function storing(at: RecordState) {
  return (turn: Turn) => {
    const signed = at === 'unknown' ? turn.state.record.signed : null
    return compareAndSet(turn, { at, signed }, idle)
  }
}

/** Writes over the version that was read; whoever lost that race does nothing more. */
function compareAndSet(turn: Turn, change: Partial<State['record']>, then: Turn['process']) {
  const { record } = turn.state
  const isLost = record.version !== turn.process.version
  if (isLost && turn.rules.flaw !== 'writes without condition') return [goes(turn, idle)]
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
    steps.push(step('says try later', answered(throttled, message, 'storeAccepted')))
  }
  return steps
}

/** Whoever still waits for the answer goes on to store it. */
function answered(state: State, { version }: Message, at: ProcessStep): State {
  const told = (process: Turn['process']) =>
    process.at === 'timeOut' && process.version === version ? { ...process, at } : process
  return { ...state, processes: state.processes.map(told) }
}

function oneTickLater(state: State, { window, lag, horizon }: Rules): State {
  // Past the horizon the gateway's clock proves absence, whatever the own one says.
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

/** Whether the creation has come to an end. */
export function isEnd({ record }: State): boolean {
  return ENDS.some((end) => end === record.at)
}

/** What a step breaks of what must hold, if anything. */
export function violationOf(before: State, after: State, { window }: Rules): string | undefined {
  const { record, images, messages } = after
  const was = before.record
  const isWritten = record.at !== was.at || record.version !== was.version
  const isDenied = isEnd(after) && record.at !== 'created'
  const mayBeMade = messages.some(({ signed }) => signed <= window)
  if (images.length > 1) return 'two images'
  if (isDenied && (images.length > 0 || mayBeMade)) return 'an image although it was denied'
  if (record.at === 'created' && images.length === 0) return 'created without an image'
  if (isWritten && isEnd(before)) return 'an end that was not the end'
  if (isWritten && record.version <= was.version) return 'a version that did not grow'
  return undefined
}

/** A short string that tells a state from all others. */
export function encoded({ record, processes, messages, images, throttlesLeft }: State): string {
  const codes = [throttlesLeft, images.length, ...images]
  for (const { at, version, attempt, signed } of [record, ...processes]) {
    codes.push(NAMES.indexOf(at), version, attempt, signed === null ? 0 : signed + 1)
  }
  const inOrder = messages.toSorted((a, b) => a.signed - b.signed || a.version - b.version)
  for (const { signed, version } of inOrder) codes.push(signed, version)
  return String.fromCharCode(...codes)
}
