import {
  encoded,
  initialState,
  isEnd,
  type Rules,
  type State,
  type Step,
  stepsFrom,
  violationOf,
} from './protocol.ts'

/** The result of a search. `depth` is the number of steps to the farthest state, or to the violation. */
export interface Verdict {
  states: number
  depth: number
  violation?: string
  /** The shortest path to the violation, one step per line. */
  trace: string
}

/** Visits every reachable state, nearest first, until a step breaks a rule. */
export function check(rules: Rules): Verdict {
  const start = initialState(rules)
  const numbers = new Map([[encoded(start), 0]])
  const parents = [-1]
  /** The states that the relay's own steps lead to, for each state. */
  const onward: number[][] = []
  const ends: number[] = []

  function pathTo(number: number): Step[] {
    // Earlier states are kept only as strings, so the steps are computed again.
    const keys = [...numbers.keys()]
    const ancestors: number[] = []
    for (let one = number; one > 0; one = parents[one] ?? 0) ancestors.unshift(one)
    let state = start
    return ancestors.flatMap((ancestor) => {
      const step = stepsFrom(state, rules).find((each) => encoded(each.state) === keys[ancestor])
      state = step?.state ?? state
      return step ?? []
    })
  }

  function broken(violation: string, way: Step[]): Verdict {
    const lines = way.map(({ name, state }, index) => `${index + 1}. ${name} → ${described(state)}`)
    const trace = [violation, ...lines].join('\n  ')
    return { states: numbers.size, depth: way.length, violation, trace }
  }

  let depth = 0
  for (let level = [start]; level.length > 0; depth++) {
    const nextLevel: State[] = []
    for (const state of level) {
      const from = onward.length
      const ways: number[] = []
      for (const step of stepsFrom(state, rules)) {
        const violation = violationOf(state, step.state, rules)
        if (violation) return broken(violation, [...pathTo(from), step])
        const key = encoded(step.state)
        const number = numbers.get(key) ?? numbers.size
        if (number === numbers.size) {
          numbers.set(key, number)
          parents.push(from)
          nextLevel.push(step.state)
        }
        if (step.isOwn) ways.push(number)
      }
      // A copy has no spare capacity, so it uses less memory.
      onward.push(ways.slice())
      if (isEnd(state)) ends.push(from)
    }
    level = nextLevel
  }
  const stuck = firstStuck(onward, ends)
  if (stuck >= 0) return broken('no end in reach', pathTo(stuck))
  return { states: numbers.size, depth: depth - 1, trace: '' }
}

/** Returns the first state from which the relay's own steps reach no end, or -1. */
function firstStuck(onward: number[][], ends: number[]): number {
  const canEnd = new Uint8Array(onward.length)
  for (const end of ends) canEnd[end] = 1
  for (let hasGrown = true; hasGrown; ) {
    hasGrown = false
    for (let number = onward.length - 1; number >= 0; number--) {
      if (canEnd[number] || !onward[number]?.some((way) => canEnd[way])) continue
      canEnd[number] = 1
      hasGrown = true
    }
  }
  return canEnd.indexOf(0)
}

function described({ record, processes, images, messages }: State): string {
  const { at, version, attempt, signed } = record
  const age = signed === null ? '' : `, signed ${signed} ago`
  const next = processes.map((process) => process.at).join(' and ')
  return `${at}, version ${version}, attempt ${attempt}${age}; messages ${messages.length}, images ${images.length}; next ${next}`
}
