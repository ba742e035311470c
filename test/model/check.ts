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

/** What a search came to: the states it saw, and how many steps lead to the last of them or to the violation. */
export interface Verdict {
  states: number
  depth: number
  violation?: string
  /** The shortest way to the violation, a step a line. */
  trace: string
}

/** Visits every state that can be reached, nearest first, until one breaks what must hold. */
export function check(rules: Rules): Verdict {
  const start = initialState(rules)
  const numbers = new Map([[encoded(start), 0]])
  const parents = [-1]
  /** The states that the relay by itself can go to from each. */
  const onward: number[][] = []
  const ends: number[] = []

  function wayTo(number: number): Step[] {
    // Of states long past only the strings are kept, so the steps are taken anew.
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
        if (violation) return broken(violation, [...wayTo(from), step])
        const key = encoded(step.state)
        const number = numbers.get(key) ?? numbers.size
        if (number === numbers.size) {
          numbers.set(key, number)
          parents.push(from)
          nextLevel.push(step.state)
        }
        if (step.isOwn) ways.push(number)
      }
      // A copy takes no more room than it needs.
      onward.push(ways.slice())
      if (isEnd(state)) ends.push(from)
    }
    level = nextLevel
  }
  const stuck = firstStuck(onward, ends)
  if (stuck >= 0) return broken('no end in reach', wayTo(stuck))
  return { states: numbers.size, depth: depth - 1, trace: '' }
}

/** The first state from which the relay by itself reaches no end; -1 where there is none. */
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
