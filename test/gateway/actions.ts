import { createServerImageFromSnapshot } from './create-server-image.ts'
import { getMemberServerImageInstanceDetail } from './member-server-images.ts'
import { getServerImageDetail, getServerImageList } from './server-images.ts'
import { getBlockStorageSnapshotInstanceList } from './snapshots.ts'
import type { Action } from './world.ts'

/** The supported actions of the Server API, by the last segment of their path. */
export const actions = new Map<string, Action>(
  Object.entries({
    createServerImageFromSnapshot,
    getBlockStorageSnapshotInstanceList,
    getMemberServerImageInstanceDetail,
    getServerImageDetail,
    getServerImageList,
  }),
)
