import type { Caller } from '../caller.ts'
import type { ReplyTo } from '../chat/command.ts'
import type { Context } from '../context.ts'
import { Problem } from '../problem.ts'
import { sha256Hex } from '../web/digest.ts'
import type { Kind } from './kind.ts'
import { markerOf } from './marker.ts'
import type { Run } from './operation.ts'
import type { Claim } from './transitions.ts'

/** An explicit key of a request. Keys of different origins are different, even if their values are equal. */
export interface RequestKey {
  origin: 'idempotency-key' | 'chat-button' | 'scheduled-minute'
  value: string
}

/** A request for one change of NAVER Cloud. */
export interface OperationRequest<Input = unknown> {
  kind: Kind<Input>
  input: Input
  caller: Caller
  /** An explicit key. Without one, region and name are the key. */
  key?: RequestKey | undefined
  regionCode: string
  notify: string[]
  /** The place in a chat where it was requested. */
  replyTo?: ReplyTo | undefined
  /** The run of a job; `template` is the input before the time was filled in. */
  run?: (Run & { template: Input }) | undefined
}

/** Returns the claim for a request. @throws Problem `forbidden` if the caller may not use the name */
export async function newClaim<Input>(
  request: OperationRequest<Input>,
  { relayName, site }: Pick<Context, 'relayName' | 'site'>,
): Promise<Claim> {
  const { kind, input, caller, key, regionCode, notify, replyTo, run } = request
  const name = kind.nameOf(input)
  if (!name.startsWith(caller.namePrefix ?? '')) {
    const detail = `This API key creates only images whose names begin with ${caller.namePrefix}`
    throw new Problem('forbidden', detail)
  }
  const scope = key ? [key.origin, key.value] : ['name', regionCode, name]
  const keyHash = await sha256Hex(
    JSON.stringify([relayName, site, caller.name, kind.name, ...scope]),
  )
  return {
    operationId: `op_${crypto.randomUUID().replaceAll('-', '')}`,
    kind: kind.name,
    name,
    input,
    keyHash,
    keyIsExplicit: key !== undefined,
    fingerprint: await fingerprintOf(request),
    holds: kind.holds(input, regionCode),
    caller: caller.name,
    regionCode,
    notify,
    marker: markerOf(keyHash),
    ...(run && { run: { job: run.job, minute: run.minute } }),
    ...(replyTo && { replyTo }),
  }
}

/**
 * Returns the hash of a request's content. For a run of a job it contains the template instead of the input, so that a
 * repeat one minute later has the same fingerprint.
 */
function fingerprintOf<Input>({ kind, input, regionCode, notify, run }: OperationRequest<Input>) {
  const content = kind.fingerprint(run ? run.template : input)
  return sha256Hex(
    JSON.stringify([regionCode, notify.toSorted(), ...content, ...(run ? [run.job] : [])]),
  )
}
