import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb'
import { systemClock } from '../../../shared/web/clock.ts'
import type { Item } from './table.ts'

/** The cancellation reason of an item whose condition failed. */
export const FAILED = 'ConditionalCheckFailed'
/** The cancellation reasons of a transaction that may succeed a moment later. */
const TRANSIENT_REASONS = [
  FAILED,
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
]
const FIRST_PAUSE_MS = 50
const MAX_PAUSE_MS = 1_000

/** Returns the cancellation reason of each item of a transaction; empty for other errors. */
export function reasonsOf(error: unknown): string[] {
  if (!(error instanceof TransactionCanceledException)) return []
  return (error.CancellationReasons ?? []).map(({ Code }) => String(Code))
}

/** True if a write may succeed a moment later. */
export function isTransient(error: unknown): boolean {
  const isConflict = error instanceof TransactionConflictException
  return isConflict || reasonsOf(error).some((reason) => TRANSIENT_REASONS.includes(reason))
}

/** Returns the existing items that failed the conditions of a write; none for other errors. */
export function failedItems(error: unknown): Item[] {
  if (error instanceof ConditionalCheckFailedException) return [error.Item ?? {}]
  if (!(error instanceof TransactionCanceledException)) return []
  const reasons = error.CancellationReasons ?? []
  return reasons.filter(({ Code }) => Code === FAILED).map(({ Item = {} }) => Item)
}

/** Waits before the next round of a write, longer after each round. */
export function pause(round: number): Promise<void> {
  return systemClock.sleep(Math.random() * Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** round))
}
