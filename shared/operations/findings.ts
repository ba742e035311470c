import { isLost } from '../image.ts'
import type { Result } from './result.ts'

/**
 * The relation of a found thing to an operation: it has the operation's marker and content, the marker but other content, no
 * marker at all, or only the marker of another operation. A description without a marker is no proof of another maker: the
 * gateway may have left it out, or somebody may have edited it.
 */
export type Relation = 'own' | 'contradicting' | 'unmarked' | 'other'

/** The result of a look-up. */
export interface Findings {
  found: { thing: Result; relation: Relation }[]
  /** The earliest possible time on the gateway's clock when it answered: milliseconds since the epoch. */
  gatewayTime: number
}

/** Returns the thing with the marker, if there is exactly one and its content fits the operation. */
export function ownIn({ found }: Findings): Result | undefined {
  const marked = found.filter(({ relation }) => relation === 'own' || relation === 'contradicting')
  const [first] = marked
  return first?.relation === 'own' && marked.length === 1 ? first.thing : undefined
}

/** Returns the things that may belong to the operation. */
export function candidatesIn({ found }: Findings): Result[] {
  return found.filter(({ relation }) => relation !== 'other').map(({ thing }) => thing)
}

/** Returns everything that was found. */
export function allIn({ found }: Findings): Result[] {
  return found.map(({ thing }) => thing)
}

/** Returns the findings without things that are failed or gone, because those do not hold a name. */
export function withoutLost({ found, gatewayTime }: Findings): Findings {
  return { found: found.filter(({ thing }) => !isLost(thing.phase)), gatewayTime }
}
