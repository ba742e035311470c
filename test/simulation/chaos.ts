import type { Operation } from '../../shared/operations/operation.ts'
import type { RecordTypes, Store } from '../../shared/store/store.ts'
import type { Transport } from '../../shared/web/transport.ts'
import type { Random } from './random.ts'
import type { Process, VirtualTime } from './virtual-time.ts'

/** The probability of each trouble at a step. */
export interface Chaos {
  crash: number
  freeze: number
  /** The store refuses before it acts. */
  refusal: number
  /** The store acts, but its answer is lost. */
  lostAnswer: number
  /** A call of the store is delivered twice. */
  twice: number
  /** A read returns a version older than the last write. */
  stale: number
}

/** Machines and a store without trouble. */
export const NO_CHAOS: Chaos = {
  crash: 0,
  freeze: 0,
  refusal: 0,
  lostAnswer: 0,
  twice: 0,
  stale: 0,
}

/** Planned crashes instead of random ones: a process ends before or after the effect of the n-th step. */
export type CrashPlan = (step: number) => 'before' | 'after' | undefined

/** Makes each await of a process a step, which takes time and can go wrong. */
export interface Stepping {
  /** Returns the number of steps of all processes so far. */
  count(): number
  step<Value>(
    process: Process,
    effect: () => Promise<Value>,
    options?: { isStore: boolean; older?: () => Value | undefined },
  ): Promise<Value>
}

/** The name of the error of a store in trouble. Any other error is a defect of the relay. */
export const STORE_TROUBLE = 'StoreTrouble'

function trouble(): Error {
  return Object.assign(new Error('The store is in trouble'), { name: STORE_TROUBLE })
}

/** Creates steps that crash at random or as planned. */
export function stepping(
  time: VirtualTime,
  random: Random,
  chaos: Chaos,
  plan?: CrashPlan,
): Stepping {
  let count = 0

  function step<Value>(
    process: Process,
    effect: () => Promise<Value>,
    { isStore, older }: { isStore: boolean; older?: () => Value | undefined } = { isStore: false },
  ): Promise<Value> {
    count++
    const planned = plan?.(count)
    const drawn = random.chance(chaos.crash) ? random.weighted({ before: 1, after: 1 }) : undefined
    const crash = plan ? planned : drawn
    if (random.chance(chaos.freeze)) {
      process.frozenUntil = time.now() + random.between(1_000, 1_800_000)
    }
    const refusal = isStore && random.chance(chaos.refusal)
    const lostAnswer = isStore && random.chance(chaos.lostAnswer)
    const twice = isStore && random.chance(chaos.twice)
    const stale = random.chance(chaos.stale) ? older : undefined
    return process.wait((ends) => {
      time.after(random.between(1, 40), async () => {
        if (process.isDead) return
        if (crash === 'before') {
          process.isDead = true
          return
        }
        if (refusal) return ends.failing(trouble())
        const first = stale?.() ?? (await effect())
        const value = twice ? await effect() : first
        if (crash === 'after') process.isDead = true
        if (lostAnswer) return ends.failing(trouble())
        time.after(random.between(1, 40), () => ends.with(value))
      })
    })
  }

  return { count: () => count, step }
}

/** Wraps a transport so that each request begins and ends with a step of a process. */
export function steppedTransport(
  transport: Transport,
  process: Process,
  { step }: Stepping,
): Transport {
  return async (request, timeoutMs) => {
    await step(process, async () => {})
    const answer = await transport(request, timeoutMs)
    await step(process, async () => {})
    return answer
  }
}

/** Wraps a store so that its calls are steps of a process. */
export function steppedStore(
  store: Store,
  process: Process,
  { step }: Stepping,
  older: (operationId: string) => Operation | undefined,
): Store {
  const isStore = true
  return {
    claim: (...claim) => step(process, () => store.claim(...claim), { isStore }),
    get(type, id) {
      const stale = () =>
        type === 'operation' ? (older(id) as RecordTypes[typeof type]) : undefined
      return step(process, () => store.get(type, id), { isStore, older: stale })
    },
    holder: (hold) => step(process, () => store.holder(hold), { isStore }),
    commit: (records) => step(process, () => store.commit(records), { isStore }),
    due: (type, query) => step(process, () => store.due(type, query), { isStore }),
    list: (listing) => step(process, () => store.list(listing), { isStore }),
  }
}
