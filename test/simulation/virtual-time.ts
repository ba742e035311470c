/**
 * Virtual time with processes. Only one process runs at a time, from its wake-up to its next wait, including any real
 * work in between. So the order of execution depends only on the events.
 */
export interface VirtualTime {
  /** Milliseconds since the epoch. */
  now(): number
  /** Schedules an event. Events of the same time happen in the order of scheduling. */
  after(milliseconds: number, event: () => void | Promise<void>): void
  /** Starts a process. */
  spawn(name: string, body: (process: Process) => Promise<void>): Process
  /** Runs all events before a time. */
  runUntil(time: number): Promise<void>
}

/** One invocation of the relay. */
export interface Process {
  name: string
  isDead: boolean
  /** The time until which the process does not run. It cannot notice this. */
  frozenUntil: number
  /** Waits until `begin` calls one of the two ends. Only the first call counts. */
  wait<Value>(begin: (ends: Ends<Value>) => void): Promise<Value>
}

/** The two ways to end a wait. */
export interface Ends<Value> {
  with(value: Value): void
  failing(error: unknown): void
}

interface Event {
  time: number
  order: number
  happen: () => void | Promise<void>
}

/** Creates a virtual time that starts at `start`, in milliseconds since the epoch. */
export function virtualTime(start: number): VirtualTime {
  const events = eventQueue()
  let time = start
  let planned = 0

  function after(milliseconds: number, happen: Event['happen']) {
    events.push({ time: time + Math.max(0, milliseconds), order: planned++, happen })
  }

  function spawn(name: string, body: (process: Process) => Promise<void>): Process {
    let stopped = () => {}
    const process: Process = {
      name,
      isDead: false,
      frozenUntil: 0,
      wait: (begin) =>
        new Promise((resolve, reject) => {
          let hasEnded = false
          const end = (wake: () => void) => {
            if (hasEnded) return
            hasEnded = true
            after(0, () => run(wake))
          }
          begin({
            with: (value) => end(() => resolve(value)),
            failing: (error) => end(() => reject(error)),
          })
          stopped()
        }),
    }

    async function run(wake: () => void): Promise<void> {
      if (process.isDead) return
      if (process.frozenUntil > time) return after(process.frozenUntil - time, () => run(wake))
      const untilItStops = new Promise<void>((resolve) => {
        stopped = resolve
      })
      wake()
      await untilItStops
    }

    after(0, () => run(() => body(process).finally(() => stopped())))
    return process
  }

  async function runUntil(end: number) {
    for (let event = events.peek(); event && event.time < end; event = events.peek()) {
      events.pop()
      time = event.time
      await event.happen()
    }
    time = Math.max(time, end)
  }

  return { now: () => time, after, spawn, runUntil }
}

/** Creates a binary heap with the earliest event first. */
function eventQueue() {
  const heap: Event[] = []
  const isBefore = (one: Event, other: Event) =>
    one.time < other.time || (one.time === other.time && one.order < other.order)
  const at = (index: number) => heap[index] as Event

  function swap(one: number, other: number) {
    const kept = at(one)
    heap[one] = at(other)
    heap[other] = kept
  }

  return {
    peek: () => heap[0],
    push(event: Event) {
      heap.push(event)
      for (let child = heap.length - 1; child > 0; ) {
        const parent = (child - 1) >> 1
        if (!isBefore(at(child), at(parent))) return
        swap(child, parent)
        child = parent
      }
    },
    pop() {
      const last = heap.pop()
      if (!last || heap.length === 0) return
      heap[0] = last
      for (let parent = 0; ; ) {
        const [left, right] = [2 * parent + 1, 2 * parent + 2]
        let earliest = parent
        if (left < heap.length && isBefore(at(left), at(earliest))) earliest = left
        if (right < heap.length && isBefore(at(right), at(earliest))) earliest = right
        if (earliest === parent) return
        swap(parent, earliest)
        parent = earliest
      }
    },
  }
}
