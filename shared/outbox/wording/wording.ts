import type { Argument, Command } from '../../chat/grammar.ts'
import type { Phase } from '../../image.ts'
import type { SnapshotCheckCode, SnapshotFacts } from '../../operations/create-image/check.ts'
import type { Status } from '../../operations/state.ts'
import type { NameHolder, ProblemFacts } from '../../problem.ts'
import type { Ending } from '../notice.ts'

/** A function that writes a sentence from facts. */
export type Sentence<Facts> = (facts: Facts) => string

/**
 * All sentences of one language. A sentence names things by name or number and gives the next step. It contains no problem
 * code, no name of a setting and no word that only the code uses.
 */
export interface Wording {
  /** Writes a time (milliseconds since the epoch) as local time of Korea and Japan (UTC+9). */
  time(at: number): string
  /** Writes a duration with its two largest units. */
  duration(seconds: number): string
  /** The status of an image or of an operation, as it follows the name. */
  status: Record<Status | Phase, string>
  field: Record<
    'image' | 'job' | 'duration' | 'size' | 'region' | 'lastReady' | 'operation' | 'created',
    string
  >
  /** The titles of notifications. */
  title: Record<Ending, Sentence<{ name: string }>> & {
    overdue: Sentence<{ job: string; hours: number }>
  }
  /** The next step after an event. */
  advice: Record<Exclude<Ending, 'ready' | 'rejected'> | 'overdue', string>
  problem: {
    nameTaken: Sentence<{ name: string; holder: NameHolder | undefined }>
    noUsableSnapshot: Sentence<NonNullable<ProblemFacts['storagesWithoutSnapshot']>[number]>
    refused: Sentence<{ message: string }>
    credentials: string
    permission: Sentence<{ action: string }>
    throttled: string
    failed: string
    unreadable: string
    unreachable: string
    timeout: string
    dailyLimit: Sentence<{ dailyCreations: number | undefined }>
    notConfigured: string
    keyReused: string
    internal: string
    other: string
  }
  /** The results of checks of a create. */
  check: Record<
    SnapshotCheckCode,
    { passed: Sentence<SnapshotFacts>; failed: Sentence<SnapshotFacts> }
  > & {
    nameFree: Sentence<{ name: string }>
    verdict: Sentence<{ failed: number }>
  }
  /** The progress of an operation that has not ended. */
  progress: {
    accepted: Sentence<{ name: string }>
    sending: Sentence<{ name: string }>
    /** `knownBy` is in milliseconds since the epoch. */
    unknown: Sentence<{ name: string; knownBy: number }>
    image: Record<
      'pending' | 'busy' | 'deleting' | 'unknown',
      Sentence<{ name: string; codes: string }>
    >
  }
  chat: ChatWording
}

/** The sentences that only chats use. A `command` is a complete command as people type it. */
export interface ChatWording {
  help: {
    title: string
    /** The arguments of a command, and its purpose. */
    command: Record<Command, { form: string; purpose: string }>
  }
  misread: {
    title: string
    unknownCommand: Sentence<{ word: string }>
    wrongWord: Sentence<{ word: string; rule: string }>
    missingWord: Sentence<{ rule: string }>
    extraWord: Sentence<{ word: string }>
    rule: Record<Argument, string>
    example: Sentence<{ command: string }>
  }
  list: Record<'operations' | 'jobs', { title: string; empty: string }> & {
    images: Sentence<{ name: string }>
    snapshots: {
      title: Sentence<{ storageNo: string }>
      empty: Sentence<{ storageNo: string }>
      item: Sentence<{
        snapshotNo: string
        name: string | null
        sizeGb: number | null
        createdAt: number | null
        isBootable: boolean
      }>
    }
    image: Sentence<{ imageNo: string; status: Phase }>
    operation: Sentence<{
      name: string
      status: Status
      imageNo: string | null
      operationId: string
    }>
    /** The times of `next` and `last` are local times of the job's zone. */
    job: Sentence<{
      job: string
      next: string | null
      last: { at: string; status: Status; imageNo: string | null } | null
    }>
  }
  notFound: {
    image: Sentence<{ reference: string }>
    operation: Sentence<{ operationId: string }>
    job: Sentence<{ job: string; jobs: string[] }>
  }
  confirm: {
    create: Sentence<{ name: string }>
    run: Sentence<{ job: string }>
    runCreates: Sentence<{ name: string }>
    impossible: Sentence<{ name: string }>
    storage: Sentence<{
      order: number
      snapshotNo: string | undefined
      sizeGb: number | null
      volumeType: string | undefined
    }>
    unchecked: string
    minuteMissing: Sentence<{ job: string }>
    tooLong: string
    expired: Sentence<{ command: string }>
    forbidden: Sentence<{ person: string }>
    code: Sentence<{ command: string }>
  }
  button: Record<'create' | 'run' | 'cancel' | 'refresh', string>
  started: Sentence<{ name: string; command: string }>
  late: string
}
