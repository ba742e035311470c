import { passesByItself } from '../ncloud/fault.ts'
import { type Problem, type StoredProblem, storedProblem } from '../problem.ts'
import { HOUR_MS, SECOND_MS } from '../web/durations.ts'
import { allIn, candidatesIn, type Findings, ownIn, withoutLost } from './findings.ts'
import type { Preparation } from './kind.ts'
import { isAttemptOver, type Operation, openAttempts } from './operation.ts'
import { numberOf, type Result } from './result.ts'
import {
  type Author,
  apply,
  completeInput,
  markConflict,
  markNotApplied,
  markUnknown,
  nextLook,
  postpone,
  postponeLook,
  reject,
  updateResult,
} from './transitions.ts'

/** The delay before the next look-up: less than a minute, so that the next tick makes it. */
const LOOK_AGAIN_MS = 50 * SECOND_MS
const POSTPONED_MS = 30 * SECOND_MS
/** The maximum number of attempts, without those that certainly had no effect. */
const MAX_ATTEMPTS = 3
/** The maximum age of an operation at which an attempt may start. */
const ATTEMPT_LIMIT_MS = HOUR_MS

/** The failures of a look-up that a retry does not fix. */
const LASTING_FAILURES = ['upstream-permission', 'upstream-refused', 'invalid-input']

const UNSENT: StoredProblem = {
  code: 'upstream-timeout',
  detail: 'There was not enough time left to send the request',
}
const UNSEEN: StoredProblem = {
  code: 'upstream-timeout',
  detail: 'The process stopped before the answer of NAVER Cloud arrived',
}

/** The result of a look at the gateway, or of an attempt. */
export type Evidence =
  | { of: 'preparation'; preparation: Preparation }
  | { of: 'look-up'; findings: Findings }
  /** Nothing could be prepared or looked up. */
  | { of: 'failed look-up'; problem: Problem }
  | { of: 'attempt'; result: Result }
  | { of: 'failed attempt'; problem: Problem }
  /** A look-up after a refused attempt, which may have had an effect; without findings it failed. */
  | { of: 'refused attempt'; problem: Problem; findings: Findings | undefined }
  /** The attempt was stored, but there was no time left to send it. */
  | { of: 'unsent attempt' }
  /** The result as it was read; `undefined` if it could not be read. */
  | { of: 'result'; result: Result | undefined }

/** The next step of an operation. */
export type Decision =
  /** Store a version. `after` says whether to go on with it, after a new key pair was requested, or to stop. */
  | { do: 'save'; next: Operation; after: 'continue' | 'renew' | 'stop' }
  /** Prepare the request, look for the results of earlier attempts, or read the result. */
  | { do: 'prepare' | 'find' | 'read' }
  /** Look for results because a refused attempt may have had an effect. */
  | { do: 'check refusal'; problem: Problem }
  /** Sign, store the attempt, send it, and decide again. */
  | { do: 'send'; operation: Operation }
  | { do: 'nothing' }

/**
 * Decides the next step of an operation from its record and the evidence at hand. Pure: it reads the clock, and changes
 * nothing. `mayRenew` is true while no new key pair was requested in this run.
 */
export function decide(
  operation: Operation,
  evidence: Evidence | undefined,
  { mayRenew }: { mayRenew: boolean },
  by: Author,
): Decision {
  switch (operation.state) {
    case 'accepted':
      return decideToBegin(operation, evidence, by)
    case 'sending':
      return decideAttempt(operation, evidence, mayRenew, by)
    case 'unknown':
      return decideOutcome(operation, evidence, by)
    case 'applied':
      return decideResult(operation, evidence, by)
    default:
      return { do: 'nothing' }
  }
}

/** Decides on an operation for which nothing was sent, or for which all attempts had no effect. */
function decideToBegin(operation: Operation, evidence: Evidence | undefined, by: Author): Decision {
  if (!evidence) {
    if (isTooOld(operation, by)) return stopWith(reject(operation, operation.problem ?? UNSENT, by))
    if (operation.attempt > 0) return { do: 'send', operation }
    return { do: 'prepare' }
  }
  switch (evidence.of) {
    case 'preparation': {
      const { preparation } = evidence
      if (preparation.ready) return { do: 'find' }
      return { do: 'save', next: completeInput(operation, preparation.input), after: 'continue' }
    }
    case 'failed look-up':
      return stopWith(afterFailedLookUp(operation, evidence.problem, by))
    case 'look-up':
      return decideFirstAttempt(operation, evidence.findings, by)
    default:
      return { do: 'nothing' }
  }
}

/** Decides before the first attempt: adopt the operation's own result, give way to another's, or send. */
function decideFirstAttempt(operation: Operation, findings: Findings, by: Author): Decision {
  const there = withoutLost(findings)
  const ours = ownIn(there)
  if (ours && ours.phase !== 'deleting') return stopWith(apply(operation, ours, by, 'adopted'))
  const [other] = allIn(there)
  if (other) return stopWith(reject(operation, nameTakenBy(other), by))
  const existedBefore = allIn(findings).map(numberOf)
  return { do: 'send', operation: { ...operation, existedBefore } }
}

/** Rejects the operation if a retry cannot fix a failed look-up; otherwise postpones it. */
function afterFailedLookUp(operation: Operation, problem: Problem, by: Author): Operation {
  return LASTING_FAILURES.includes(problem.code) && !isTemporary(problem)
    ? reject(operation, storedProblem(problem), by)
    : postpone(operation, storedProblem(problem), retryAt(problem, by), by)
}

/** Decides on an attempt: by its result, or without one after its lease has expired. */
function decideAttempt(
  operation: Operation,
  evidence: Evidence | undefined,
  mayRenew: boolean,
  by: Author,
): Decision {
  switch (evidence?.of) {
    case 'attempt':
      return stopWith(apply(operation, evidence.result, by))
    case 'unsent attempt':
      return stopWith(postpone(operation, UNSENT, by.clock.now(), by))
    case 'failed attempt':
      return decideFailure(operation, evidence.problem, mayRenew, by)
    case 'refused attempt':
      return stopWith(afterRefusal(operation, evidence, by))
    default:
      // Its sender can no longer store a result.
      return { do: 'save', next: markUnknown(operation, UNSEEN, by), after: 'continue' }
  }
}

function decideFailure(
  operation: Operation,
  problem: Problem,
  mayRenew: boolean,
  by: Author,
): Decision {
  const { code, extras } = problem
  const stored = storedProblem(problem)
  if (extras.effect === 'none') {
    if (!isTemporary(problem)) return stopWith(reject(operation, stored, by))
    const next = postpone(operation, stored, retryAt(problem, by), by)
    return {
      do: 'save',
      next,
      after: code === 'upstream-credentials' && mayRenew ? 'renew' : 'stop',
    }
  }
  // The effect of an earlier attempt may have caused the refusal, unless all earlier ones were refused.
  return extras.effect === 'look-up' && openAttempts(operation) === 1
    ? { do: 'check refusal', problem }
    : stopWith(markUnknown(operation, stored, by))
}

function afterRefusal(
  operation: Operation,
  { problem, findings }: Extract<Evidence, { of: 'refused attempt' }>,
  by: Author,
): Operation {
  const ours = findings && ownIn(findings)
  if (ours) return apply(operation, ours, by, 'adopted')
  const stored = storedProblem(problem)
  if (!findings || candidatesIn(findings).length > 0) return markUnknown(operation, stored, by)
  return isTemporary(problem)
    ? postpone(operation, stored, retryAt(problem, by), by)
    : reject(operation, stored, by)
}

/** Decides on an attempt whose outcome is unknown. Another one follows only when this one can have no effect any more. */
function decideOutcome(operation: Operation, evidence: Evidence | undefined, by: Author): Decision {
  if (!evidence) return { do: 'find' }
  const later = () => stopWith(postponeLook(operation, by.clock.now() + LOOK_AGAIN_MS))
  if (evidence.of !== 'look-up') return later()
  const { findings } = evidence
  const ours = ownIn(findings)
  if (ours) return stopWith(apply(operation, ours, by, 'adopted'))
  if (!isAttemptOver(operation, findings.gatewayTime)) return later()
  const candidates = candidatesIn(findings).map(numberOf)
  if (candidates.length > 0) return stopWith(markConflict(operation, candidates, by))
  if (allIn(withoutLost(findings)).length > 0) {
    return stopWith(markNotApplied(operation, 'name-taken', by))
  }
  return openAttempts(operation) >= MAX_ATTEMPTS || isTooOld(operation, by)
    ? stopWith(markNotApplied(operation, 'absent', by))
    : { do: 'send', operation }
}

/** Decides on an operation whose result is followed until it is final, or for a day. */
function decideResult(operation: Operation, evidence: Evidence | undefined, by: Author): Decision {
  if (evidence?.of !== 'result') return { do: 'read' }
  return stopWith(
    evidence.result
      ? updateResult(operation, evidence.result, by)
      : postponeLook(operation, nextLook(operation, by.clock.now())),
  )
}

/** True for a failure without an effect after which the same request can succeed. */
function isTemporary(problem: Problem): boolean {
  const { code } = problem
  return code === 'upstream-throttled' || code === 'upstream-credentials' || passesByItself(problem)
}

function stopWith(next: Operation): Decision {
  return { do: 'save', next, after: 'stop' }
}

function nameTakenBy({ imageNo, phase: status, createdAt: since }: Result): StoredProblem {
  const when = since === null ? '' : `, created ${since}`
  const detail = `The name is in use by image ${imageNo} (${status}${when}). Choose another name`
  return { code: 'name-taken', detail, facts: { nameHolder: { imageNo, status, since } } }
}

function isTooOld({ createdAt }: Operation, { clock }: Author): boolean {
  return clock.now() > createdAt + ATTEMPT_LIMIT_MS
}

function retryAt({ extras }: Problem, { clock }: Author): number {
  const seconds = extras.retryAfterSeconds
  return clock.now() + (seconds === undefined ? POSTPONED_MS : seconds * SECOND_MS)
}
