// The images and snapshots are those of NAVER Cloud's documents, as the relay shows them:
// https://api.ncloud-docs.com/docs/en/compute-vserver-serverimage-getserverimagedetail

const image = {
  imageNo: '12341457',
  kind: 'serverImage',
  name: 'test-kvm',
  description: null,
  phase: 'ready',
  status: { code: 'CREAT', operation: 'NULL', name: 'created' },
  hypervisor: 'KVM',
  os: 'UBUNTU',
  productCode: 'SW.VSVR.OS.LNX64.UBNTU.SVR24.G003',
  createdAt: '2025-06-26T10:33:37+09:00',
  sizeBytes: 10737418240,
  sizeGb: 10,
  storages: [
    {
      order: 0,
      snapshotNo: '12344697',
      snapshotName: 'test-snap',
      sizeBytes: 10737418240,
      sizeGb: 10,
      volumeType: 'CB1',
      iops: 100,
      throughputBytesPerSecond: 104857600,
      encrypted: false,
    },
  ],
  originalServerNo: null,
  shared: false,
  sharedWith: 0,
  regionCode: 'KR',
  upstream: { action: 'getServerImageDetail', requestId: 'a4981568-2d6a-4446-8519-940cc764729f' },
}

const operation = {
  operationId: 'op_0123456789abcdef0123456789abcdef',
  kind: 'createImage',
  status: 'unknown',
  final: false,
  stalled: false,
  detail:
    'The request for web-golden was sent, but NAVER Cloud did not say whether it worked. Do not repeat it: the relay finds out by itself',
  name: 'web-golden',
  regionCode: 'KR',
  caller: 'key:ci',
  job: null,
  attempt: 1,
  image: null,
  candidates: [],
  problem: {
    code: 'upstream-timeout',
    detail: 'NAVER Cloud did not answer in time',
    upstream: { action: 'createServerImageFromSnapshot' },
  },
  knownBy: '2026-11-21T18:46:10.000Z',
  createdAt: '2026-11-21T18:30:00.000Z',
  updatedAt: '2026-11-21T18:30:25.000Z',
  history: [
    { at: '2026-11-21T18:30:00.000Z', status: 'accepted', actor: 'key:ci', reason: null },
    { at: '2026-11-21T18:30:00.200Z', status: 'sending', actor: 'key:ci', reason: null },
    {
      at: '2026-11-21T18:30:25.000Z',
      status: 'unknown',
      actor: 'key:ci',
      reason: 'upstream-timeout',
    },
  ],
}

const problem = {
  type: '/problems#invalid-input',
  title: 'Invalid input',
  status: 422,
  detail: 'storages.0.snapshotNo is required',
  code: 'invalid-input',
  retryable: false,
  errors: [{ path: 'storages.0.snapshotNo', message: 'is required' }],
  outcome: 'not-applied',
  requestId: '5f1c1d3a-6a0e-4f0e-9a53-0f7a2f0f1a11',
}

/** An example of each component that has one. */
export const COMPONENT_EXAMPLES: Record<string, object> = {
  Image: image,
  Operation: operation,
  Problem: problem,
}

/** An example of the body of each row that has one, by the name of the row. */
export const BODY_EXAMPLES: Record<string, object> = {
  createImage: {
    name: 'web-golden',
    description: 'nightly',
    storages: [
      { snapshotNo: '12344697' },
      { snapshotNo: '12344698', sizeGb: 100, volumeType: 'CB2' },
      { sizeGb: 50, volumeType: 'FB1' },
    ],
    notify: ['ops'],
  },
  resolveOperation: { imageNo: '12341457' },
}

/** An example of each answer as plain text, by the name of the row. */
export const TEXT_EXAMPLES: Record<string, string> = {
  getImage: '12341457 test-kvm ready\n',
  getServerImage: '12341457 test-kvm ready\n',
  getMemberServerImage: '12342264 test-xen pending\n',
  listImages: '12341457 test-kvm ready\n',
  listSnapshots: '12344697 test-snap ready\n',
  createImage: 'op_0123456789abcdef0123456789abcdef pending web-golden 30000001\n',
  getOperation: 'op_0123456789abcdef0123456789abcdef ready web-golden 30000001\n',
  listOperations: 'op_0123456789abcdef0123456789abcdef ready web-golden 30000001\n',
  resolveOperation: 'op_0123456789abcdef0123456789abcdef ready web-golden 30000001\n',
  listJobs: 'nightly-web  2026-11-23T03:30:00+09:00  2026-11-22T03:30:00+09:00  ready  30000001\n',
  getJob: 'nightly-web  2026-11-23T03:30:00+09:00  2026-11-22T03:30:00+09:00  ready  30000001\n',
  runJob: 'op_0123456789abcdef0123456789abcdef pending web-261122-0330 30000001\n',
}
