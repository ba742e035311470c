/** Random numbers that depend only on a seed (mulberry32), so that a schedule can be repeated. */
export interface Random {
  /** Returns a number from 0 to below 1. */
  next(): number
  /** Returns an integer from `min` to `max`, both included. */
  between(min: number, max: number): number
  chance(probability: number): boolean
  /** Returns one of the names, with a probability in proportion to its weight. */
  weighted<Name extends string>(weights: Partial<Record<Name, number>>): Name
}

/** Starts a sequence of random numbers. */
export function randomOf(seed: number): Random {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0

  function next() {
    state = (state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }

  return {
    next,
    between: (min, max) => min + Math.floor(next() * (max - min + 1)),
    chance: (probability) => next() < probability,
    weighted(weights) {
      const entries = Object.entries(weights) as [keyof typeof weights, number][]
      const sum = entries.reduce((all, [, weight]) => all + weight, 0)
      let left = next() * sum
      const chosen = entries.find(([, weight]) => {
        left -= weight
        return left < 0
      })
      return (chosen ?? (entries[0] as (typeof entries)[number]))[0]
    },
  }
}
