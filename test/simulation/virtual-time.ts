/**
 * Virtual time with processes in it. One process runs at a time, from where it wakes to where it waits again, whatever
 * real work lies between; so the order of all that happens depends on the events alone.
 */
export interface VirtualTime {
  /** Milliseconds since the epoch. */
  now(): number
  /** Lets something happen later; events of one time happen in the order in which they were planned. */
  after(milliseconds: number, event: () => void | Promise<void>): void
  /** Begins a process. */
  spawn(name: string, body: (process: Process) => Promise<void>): Process
  /** Lets all events happen that lie before a time. */
  runUntil(time: number): Promise<void>
}

/** One invocation of the relay. */
export interface Process {
  name: string
  isDead: boolean
  /** Until then it does not run, and does not know it. */
  frozenUntil: number
  /** Waits until `begin` has called one of its two ends, the first time it does. */
  wait<Value>(begin: (ends: Ends<Value>) => void): Promise<Value>
}

/** How a wait ends. */
export interface Ends<Value> {
  with(value: Value): void
  failing(error: unknown): void
}

interface Event {
  time: number
  order: number
  happen: () => void | Promise<void>
}

/** Begins at a time: milliseconds since the epoch. */
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
          let isAttemptOver = false
          const end = (wake: () => void) => {
            if (isAttemptOver) return
            isAttemptOver = true
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

/** A binary heap: the earliest event first. */
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
        let least = parent
        if (left < heap.length && isBefore(at(left), at(least))) least = left
        if (right < heap.length && isBefore(at(right), at(least))) least = right
        if (least === parent) return
        swap(parent, least)
        parent = least
      }
    },
  }
}
