/** Numbers that a seed decides (mulberry32), so that a schedule can be run again. */
export interface Random {
  /** 0 to below 1. */
  next(): number
  /** A whole number from the first to the second, both included. */
  between(least: number, most: number): number
  chance(probability: number): boolean
  /** One of the names, as often as its weight says. */
  weighted<Name extends string>(weights: Partial<Record<Name, number>>): Name
}

/** Begins a row of numbers. */
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
    between: (least, most) => least + Math.floor(next() * (most - least + 1)),
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
