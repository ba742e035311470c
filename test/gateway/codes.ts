import type { State } from './shelf.ts'

// The names in the documents' examples. A code that is not listed here is its own name.
const codeNames = {
  imageStatus: {
    INIT: 'NSI INIT state',
    CREAT: 'NSI CREATED state',
    CREFL: 'NSI CREATE FAILED state',
  },
  imageOperation: { NULL: 'NSI NULL OP', CREAT: 'NSI CREAT OP', TERMT: 'NSI TERMINATE OP' },
  snapshotStatus: { INIT: 'Block storage INIT state', CREAT: 'Block storage CREATED state' },
  snapshotOperation: { NULL: 'Block Storage NULLOP', TERMT: 'Block Storage TERMINATE OP' },
  share: { NULL: 'NSI Share NULL State', SHARE: 'NSI Share SHARE State' },
  imageType: { SELF: 'SELFサーバイメージ', NCP: 'NCP Server Image' },
  lifeCyclePhase: { IN_SERVICE: 'In Service' },
  architecture: { X86_64: 'x86 64bit' },
  snapshotType: { FULL: 'Full Storage Snapshot' },
  volumeType: {
    CB1: 'Common BlockStorage 1',
    CB2: 'Common BlockStorage 2',
    FB1: 'Fast BlockStorage 1',
    FB2: 'Fast BlockStorage 2',
  },
  plain: {},
} satisfies Record<string, Record<string, string>>

/** Returns the API's pair of a code and its name. */
export function commonCode(family: keyof typeof codeNames, code: string) {
  const names: Record<string, string> = codeNames[family]
  return { code, codeName: names[code] ?? code }
}

/** Returns the three fields of a row's state. Their names begin with `prefix`. */
export function stateFields(prefix: string, family: 'image' | 'snapshot', state: State) {
  return {
    [`${prefix}Status`]: commonCode(`${family}Status`, state.status),
    [`${prefix}Operation`]: commonCode(`${family}Operation`, state.operation),
    [`${prefix}StatusName`]: state.statusName,
  }
}

/** Returns the share status of an image: SHARE if it is shared with anyone. */
export function shareStatus(loginIds: string[]) {
  return commonCode('share', loginIds.length > 0 ? 'SHARE' : 'NULL')
}
