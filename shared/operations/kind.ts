import type * as v from 'valibot'
import type { Context } from '../context.ts'
import type { Signed } from '../ncloud/gateway.ts'
import type { Findings } from './findings.ts'
import type { Operation } from './operation.ts'
import type { Result } from './result.ts'

/** An operation whose input is known to be of its kind. */
export type OperationOf<Input> = Operation & { input: Input }

/** The next step before an attempt: the request to sign, or an input that must be stored first. */
export type Preparation<Input = unknown> =
  | {
      ready: true
      /** Signs the request of one attempt without sending it. */
      sign(): Promise<Signed<Result>>
    }
  | { ready: false; input: Input }

/** One kind of change of NAVER Cloud: everything that the ledger of operations does not know itself. */
export interface Kind<Input> {
  /** The name that callers see. */
  name: string
  /** The schema of an input as it is stored. */
  input: v.GenericSchema<unknown, Input>
  /** Returns the name of the thing that is made. */
  nameOf(input: Input): string
  /** Returns the names of everything that no other operation may hold meanwhile. */
  holds(input: Input, regionCode: string): string[]
  /**
   * Returns what is hashed to compare the content of two requests. It must not change, because stored hashes outlive a
   * deployment.
   */
  fingerprint(input: Input): unknown[]
  /**
   * Returns the request to send, or an input that must be stored before.
   * @throws Problem if what the input names cannot be found
   */
  prepare(operation: OperationOf<Input>, context: Context): Promise<Preparation<Input>>
  /** Looks for the result of earlier attempts. @throws Problem of the read */
  find(operation: OperationOf<Input>, context: Context): Promise<Findings>
  /** Reads a possible result by its number. @throws Problem of the read */
  read(operation: OperationOf<Input>, no: string, context: Context): Promise<Result>
}
