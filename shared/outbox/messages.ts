import type { Image } from '../image.ts'
import type { Check } from '../operations/create-image/check.ts'
import { knownBy, type Operation } from '../operations/operation.ts'
import type { StoredProblem } from '../problem.ts'
import type { Wording } from './wording/wording.ts'

/** Writes a problem with the image `name`: the event and the next step. */
export function problemMessage(
  { code, upstream, facts = {} }: StoredProblem,
  name: string,
  { problem }: Wording,
): string {
  const { nameHolder: holder, dailyCreations, storagesWithoutSnapshot } = facts
  switch (code) {
    case 'name-taken':
      return problem.nameTaken({ name, holder })
    case 'invalid-input':
      return storagesWithoutSnapshot?.map(problem.noUsableSnapshot).join(' ') ?? problem.other
    case 'quota-exceeded':
      return problem.dailyLimit({ dailyCreations })
    case 'idempotency-key-reused':
      return problem.keyReused
    case 'not-configured':
      return problem.notConfigured
    case 'upstream-refused': {
      const words = [upstream?.code, upstream?.message].filter(Boolean).join(' ')
      return problem.refused({ message: words })
    }
    case 'upstream-credentials':
      return problem.credentials
    case 'upstream-permission':
      return problem.permission({ action: upstream?.action ?? '' })
    case 'upstream-throttled':
      return problem.throttled
    case 'upstream-error':
      return problem.failed
    case 'upstream-malformed':
      return problem.unreadable
    case 'upstream-unreachable':
      return problem.unreachable
    case 'upstream-timeout':
      return problem.timeout
    case 'internal':
      return problem.internal
    default:
      return problem.other
  }
}

/** Writes the result of a check of a create. */
export function checkMessage(check: Check, wording: Wording): string {
  if (check.code !== 'name-free') {
    const { passed, failed } = wording.check[check.code]
    return check.ok ? passed(check.facts) : failed(check.facts)
  }
  return check.ok ? wording.check.nameFree(check.facts) : wording.problem.nameTaken(check.facts)
}

/** Writes the progress of an operation; `undefined` once it has ended. */
export function progressMessage(operation: Operation, { progress }: Wording): string | undefined {
  const { state, name, result } = operation
  if (result) return imageProgressMessage(result, { progress })
  switch (state) {
    case 'accepted':
    case 'sending':
      return progress[state]({ name })
    case 'unknown':
      return progress.unknown({ name, knownBy: knownBy(operation) ?? operation.updatedAt })
    default:
      return undefined
  }
}

/** Writes the progress of an image; `undefined` in a final phase. */
export function imageProgressMessage(
  { name, phase, status }: Image,
  { progress }: Pick<Wording, 'progress'>,
): string | undefined {
  const codes = [status.code, status.operation].filter(Boolean).join(' ')
  switch (phase) {
    case 'pending':
    case 'busy':
    case 'deleting':
    case 'unknown':
      return progress.image[phase]({ name, codes })
    default:
      return undefined
  }
}
