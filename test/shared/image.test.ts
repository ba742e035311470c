import { describe, expect, test } from 'vitest'
import { isFinal, isLost, phaseOf } from '../../shared/image.ts'
import { createServerImageFromSnapshot } from '../../shared/ncloud/actions/create-server-image-from-snapshot.ts'
import { getMemberServerImageInstanceDetail } from '../../shared/ncloud/actions/get-member-server-image-instance-detail.ts'
import { judge } from '../../shared/ncloud/judge.ts'
import createText from '../fixtures/create-server-image-from-snapshot.json?raw'
import detailText from '../fixtures/get-member-server-image-instance-detail.json?raw'

const utf8 = new TextEncoder()
const answer = (text: string) => ({
  status: 200,
  headers: new Headers(),
  body: utf8.encode(text),
  receivedAt: 0,
  gatewayTime: 0,
})

describe('the examples of the API documents', () => {
  test('getMemberServerImageInstanceDetail becomes an image unchanged', () => {
    const action = getMemberServerImageInstanceDetail
    const { output, requestId } = judge(answer(detailText), action)
    expect(
      action.view(output, { action: action.name, regionCode: 'KR', requestId, gatewayTime: 0 }),
    ).toEqual({
      imageNo: '*****2264',
      kind: 'memberServerImage',
      name: 'test-***',
      description: null,
      phase: 'pending',
      status: { code: 'INIT', operation: 'CREAT', name: 'creating' },
      hypervisor: null,
      os: null,
      productCode: 'SW.VSVR.OS.LNX64.UBNTU.SVR2004.B050',
      createdAt: '2025-06-26T11:09:07+09:00',
      sizeBytes: 53687091200,
      sizeGb: 50,
      storages: null,
      originalServerNo: '*****2010',
      shared: false,
      sharedWith: 0,
      regionCode: 'KR',
      upstream: {
        action: 'getMemberServerImageInstanceDetail',
        requestId: 'dc57ca35-9e8c-4ee0-80a3-65b8214fa5f3',
      },
    })
  })

  test('createServerImageFromSnapshot is printed with invalid JSON', () => {
    expect(() => judge(answer(createText), createServerImageFromSnapshot)).toThrow(
      'NAVER Cloud sent an answer that cannot be read',
    )
  })

  test.each([
    ['a number', '12344697', '12344697'],
    ['text', '"*****4697"', '*****4697'],
  ])(
    'createServerImageFromSnapshot, repaired with %s, becomes an image',
    (_, repaired, snapshotNo) => {
      const action = createServerImageFromSnapshot
      const { output, requestId } = judge(answer(createText.replace('*****4697', repaired)), action)
      expect(
        action.view(output, { action: action.name, regionCode: 'KR', requestId, gatewayTime: 0 }),
      ).toEqual({
        imageNo: '*****1457',
        kind: 'serverImage',
        name: 'test-***',
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
            snapshotNo,
            snapshotName: 'test-***',
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
        upstream: {
          action: 'createServerImageFromSnapshot',
          requestId: 'a4981568-2d6a-4446-8519-940cc764729f',
        },
      })
    },
  )
})

// The codes of status and operation, from the API documents and recorded answers.
test.each([
  ['INIT', 'NULL', 'pending'],
  ['INIT', 'CREAT', 'pending'],
  ['INIT', 'TERMT', 'deleting'],
  ['CREAT', 'NULL', 'ready'],
  ['CREAT', 'CREAT', 'pending'],
  ['CREAT', 'TERMT', 'deleting'],
  ['CREAT', 'COPY', 'busy'],
  ['CREFL', 'NULL', 'failed'],
  ['CREFL', 'TERMT', 'failed'],
  ['CREFL', null, 'failed'],
  ['INIT', null, 'unknown'],
  ['WXYZ', 'NULL', 'unknown'],
  ['INIT', 'WXYZ', 'unknown'],
  ['__proto__', 'toString', 'unknown'],
  [null, 'NULL', 'unknown'],
  ['CREAT', null, 'unknown'],
])('status %s with operation %s is %s', (status, operation, phase) => {
  expect(phaseOf(status, operation)).toBe(phase)
})

test('three phases are final, and two of them leave no image', () => {
  const phases = ['pending', 'ready', 'failed', 'busy', 'deleting', 'gone', 'unknown'] as const
  expect(phases.filter(isFinal)).toEqual(['ready', 'failed', 'gone'])
  expect(phases.filter(isLost)).toEqual(['failed', 'gone'])
})
