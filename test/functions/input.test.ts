import { parse as parseForm } from 'node:querystring'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import openapi from '../../functions/openapi.json' with { type: 'json' }
import type { Transport } from '../../shared/web/transport.ts'
import { actions } from '../gateway/actions.ts'
import { checkParameters } from '../gateway/parameters.ts'
import { openWorld, type World } from '../gateway/world.ts'
import { image } from '../support/bodies.ts'
import { scaled } from '../support/counts.ts'
import { openRelay } from '../support/relay.ts'

const SEED = 20261121
const GOOD = scaled(20_000)
const BAD = scaled(50_000)
const DAMAGED = scaled(20_000)
// A part of submitted values that must not appear in a reply.
const SUBMITTED = 'SUBMITTED'

const utf8 = new TextEncoder()
type Body = Record<string, unknown> & { storages?: unknown }

/** A change that makes a valid body invalid, and the paths of the faults that the reply must name. */
interface Mistake {
  paths: string[]
  make(body: Body): void
}

const junk = [null, 1, true, {}, [], [SUBMITTED], { [SUBMITTED]: 1 }]

function mistakesOf(field: string, values: unknown[]): Mistake[] {
  return values.map((value) => ({
    paths: [field],
    make: (body) => {
      body[field] = value
    },
  }))
}

const inStorage = (index: number, paths: string[], storage: unknown): Mistake => ({
  paths,
  make(body) {
    const list = body.storages as unknown[]
    // Index 0 is the base storage, index 1 a further one.
    list.splice(index, list.length > index ? 1 : 0, storage)
  },
})

const wrongNames = [
  ...[
    '',
    'ab',
    `a${'b'.repeat(30)}`,
    'Web',
    '1web',
    '-web',
    'web-',
    'we_b',
    'we b',
    '웹서버',
    SUBMITTED,
  ],
  ...junk,
]
const wrongDescriptions = [
  ...['x'.repeat(976), '한'.repeat(326), 'é'.repeat(488), '😀'.repeat(244), `${SUBMITTED}\ud800`],
  ...junk,
]
const wrongNumbers = ['', 'x', SUBMITTED, '1 ', '-1', '1.0', '１', '1'.repeat(21), ...junk]
const wrongSizes = [0, 5, -10, 15, 10.5, 1e21, '10', SUBMITTED, null, true, {}, []]
const wrongTypes = ['CB3', 'cb1', '', SUBMITTED, ...junk]

const mistakes: Record<string, Mistake[]> = {
  name: [
    ...mistakesOf('name', wrongNames),
    {
      paths: ['name'],
      make: (body) => {
        delete body.name
      },
    },
  ],
  description: mistakesOf('description', wrongDescriptions),
  regionCode: mistakesOf('regionCode', [
    '',
    'kr',
    'K',
    'KR ',
    'K'.repeat(11),
    SUBMITTED.toLowerCase(),
    ...junk,
  ]),
  notify: [
    ...mistakesOf('notify', [SUBMITTED, null, 1, {}]),
    {
      paths: ['notify.1'],
      make: (body) => {
        body.notify = ['ops', `${SUBMITTED} two words`]
      },
    },
  ],
  unknown: [SUBMITTED, 'constructor', 'serverImageName', 'blockStorageList.1.order'].map(
    (field) => ({
      paths: [''],
      make: (body) => {
        body[field] = SUBMITTED
      },
    }),
  ),
  base: [
    ...wrongNumbers.map((no) => inStorage(0, ['storages.0.snapshotNo'], { snapshotNo: no })),
    ...wrongSizes.map((size) =>
      inStorage(0, ['storages.0.sizeGb'], { snapshotNo: '1', sizeGb: size }),
    ),
    ...['CB1', SUBMITTED, null].map((type) =>
      inStorage(0, ['storages.0.volumeType'], { snapshotNo: '1', volumeType: type }),
    ),
    inStorage(0, ['storages.0.snapshotNo'], {}),
    inStorage(0, ['storages.0.snapshotNo', 'storages.0.volumeType'], {
      sizeGb: 10,
      volumeType: 'CB1',
    }),
    inStorage(0, ['storages.0'], { snapshotNo: '1', [SUBMITTED]: 1 }),
    ...[null, 1, SUBMITTED].map((storage) => inStorage(0, ['storages.0'], storage)),
  ],
  further: [
    ...wrongNumbers.map((no) => inStorage(1, ['storages.1.snapshotNo'], { snapshotNo: no })),
    ...wrongSizes.map((size) =>
      inStorage(1, ['storages.1.sizeGb'], { sizeGb: size, volumeType: 'CB1' }),
    ),
    ...wrongTypes.map((type) =>
      inStorage(1, ['storages.1.volumeType'], { sizeGb: 10, volumeType: type }),
    ),
    inStorage(1, ['storages.1.sizeGb', 'storages.1.volumeType'], {}),
    inStorage(1, ['storages.1.volumeType'], { sizeGb: 10 }),
    inStorage(1, ['storages.1.sizeGb'], { volumeType: 'CB1' }),
    inStorage(1, ['storages.1.sizeGb', 'storages.1.volumeType'], { sizeGb: 'x', volumeType: 'x' }),
    inStorage(1, ['storages.1'], { snapshotNo: '1', emptyBlockStorage: true }),
  ],
}

const tooMany: Mistake = {
  paths: ['storages'],
  make(body) {
    const list = body.storages as unknown[]
    while (list.length < 22) list.push({ sizeGb: 10, volumeType: 'CB1' })
  },
}

const subjects = fc.subarray(Object.keys(mistakes), { minLength: 1 })
const mistaken = fc
  .tuple(image, subjects, fc.array(fc.nat(), { minLength: 7, maxLength: 7 }), fc.boolean())
  .map(([good, chosen, choices, isLong]) => {
    const made = chosen.map((subject, i) => {
      const all = mistakes[subject] ?? []
      return all[(choices[i] ?? 0) % all.length] as Mistake
    })
    if (isLong) made.push(tooMany)
    const body: Body = structuredClone(good)
    for (const mistake of made) mistake.make(body)
    return { body, paths: [...new Set(made.flatMap(({ paths }) => paths))].sort() }
  })

/** Opens a gateway in this process that reads and checks forms by itself and has every snapshot. */
function openChecker(): { transport: Transport; forms: Record<string, unknown>[] } {
  const forms: Record<string, unknown>[] = []
  const settings = {
    now: Date.now,
    readyAfterMs: 0,
    nameFilter: 'exact',
    unknownImage: 'empty',
    duplicateNames: 'allowed',
    listLagMs: 0,
  } as const
  const action = actions.get('createServerImageFromSnapshot')
  const opened = openWorld(settings)
  const seed = opened.snapshots.all()[0]
  const world = (region: string): World => {
    const snapshot = { ...seed, bytes: 1, region } as never
    return { ...opened, snapshots: { ...opened.snapshots, find: () => snapshot } }
  }
  const transport: Transport = async ({ method, body }) => {
    const answer = (root: string, list: unknown[]) => ({
      status: 200,
      headers: new Headers(),
      body: utf8.encode(
        JSON.stringify({
          [root]: { totalRows: list.length, serverImageList: list, returnCode: '0' },
        }),
      ),
    })
    if (method === 'GET') return answer('getServerImageListResponse', [])
    const form = { ...parseForm(body ?? '') } as Record<string, string>
    forms.push(form)
    checkParameters(form, action?.parameters ?? {})
    const outcome = action?.perform(form, world(form.regionCode ?? ''))
    return answer('createServerImageFromSnapshotResponse', outcome?.rows ?? [])
  }
  return { transport, forms }
}

/** Returns the content of a form in the fields of a caller's body. */
function meaningOf(form: Record<string, unknown>) {
  const text = String(form.serverImageDescription)
  const own = text.replace(/ ?\[relay:[0-9a-f]{16}\]$/, '')
  const list = []
  for (let n = 1; `blockStorageList.${n}.order` in form; n++) {
    const field = (key: string) => form[`blockStorageList.${n}.${key}`]
    expect(field('order')).toBe(String(n - 1))
    expect(field('emptyBlockStorage') === 'true').toBe(field('snapshotInstanceNo') === undefined)
    list.push({
      snapshotNo: field('snapshotInstanceNo'),
      sizeGb: field('blockStorageSize') && Number(field('blockStorageSize')),
      volumeType: field('blockStorageVolumeTypeCode'),
    })
  }
  return {
    name: form.serverImageName,
    description: own,
    regionCode: form.regionCode,
    storages: JSON.parse(JSON.stringify(list)),
  }
}

test(`sends ${GOOD} valid creates to the gateway by its rules and with the same meaning`, async () => {
  const { transport, forms } = openChecker()
  const relay = await openRelay({ transport })
  const bodies = fc.sample(image, { numRuns: GOOD, seed: SEED }).map((good, i) => {
    // A live name is taken, so each body gets its own name.
    return { ...good, name: `n${i}-${good.name}`.slice(0, 29).replace(/-?$/, 'x') }
  })
  for (let i = 0; i < bodies.length; i += 50) {
    const batch = bodies.slice(i, i + 50)
    const answers = await Promise.all(batch.map((body) => relay.create(body)))
    expect(answers.filter(({ status }) => status !== 201)).toEqual([])
    const meanings = new Map(
      forms.slice(-50).map((form) => [form.serverImageName, meaningOf(form)]),
    )
    for (const body of batch) {
      expect(meanings.get(body.name)).toEqual({
        name: body.name,
        description: (body.description ?? '').normalize('NFC'),
        regionCode: body.regionCode ?? 'KR',
        storages: body.storages,
      })
    }
  }
  expect(forms).toHaveLength(GOOD)
  await relay.close()
})

test(`rejects ${BAD} invalid creates with every fault and without the submitted values`, async () => {
  const { transport, forms } = openChecker()
  const relay = await openRelay({ transport })
  for (const { body, paths } of fc.sample(mistaken, { numRuns: BAD, seed: SEED })) {
    const { status, json, text } = await relay.create(body)
    expect([status, json.code]).toEqual([422, 'invalid-input'])
    const reported = json.errors.map(({ path }: { path: string }) => path)
    expect([...new Set(reported)].sort()).toEqual(paths)
    // Only the names of unknown fields are shown, and at most 40 characters of them.
    const shown = text.replace(/has an unknown field: \\"[^"]{1,41}\\"/g, '')
    expect(shown.toLowerCase()).not.toContain(SUBMITTED.toLowerCase())
  }
  expect(forms).toEqual([])
  expect(relay.log.filter(({ event }) => event === 'upstream')).toEqual([])
  await relay.close()
})

describe('a damaged body', () => {
  const schema =
    openapi.paths['/v1/server-images'].post.requestBody.content['application/json'].schema
  const isValid = new Ajv2020({ strict: false }).compile(schema)

  test(`never gives 500 and is accepted only by the published schema (${DAMAGED} bodies)`, async () => {
    const { transport } = openChecker()
    const relay = await openRelay({ transport })
    const damaged = fc.tuple(
      image,
      fc.nat(),
      fc.nat(255),
      fc.constantFrom('set', 'cut', 'insert', 'double'),
    )
    const counts: Record<number, number> = {}
    for (const [good, where, byte, how] of fc.sample(damaged, { numRuns: DAMAGED, seed: SEED })) {
      const bytes = [...utf8.encode(JSON.stringify(good))]
      const at = where % bytes.length
      if (how === 'set') bytes[at] = byte
      else if (how === 'cut') bytes.splice(at)
      else if (how === 'insert') bytes.splice(at, 0, byte)
      else bytes.splice(at, 0, ...bytes.slice(at, at + 20))
      const body = new Uint8Array(bytes)
      const { status } = await relay.create(body)
      counts[status] = (counts[status] ?? 0) + 1
      const parsed = parsedOrNothing(body)
      if (parsed === undefined) expect(status).toBe(400)
      else if (isValid(parsed)) expect([200, 201, 202, 409]).toContain(status)
      else expect(status).toBe(422)
    }
    await relay.close()
    expect(Object.keys(counts).map(Number)).toEqual(expect.arrayContaining([201, 400, 422]))
  })
})

function parsedOrNothing(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}

describe('the length of a description', () => {
  // Characters of one to four bytes; `Buffer.byteLength` is the independent count.
  test.each(['x', 'é', '한', '😀', '\u{10ffff}'])(
    'is counted in bytes of %j',
    async (character) => {
      const { transport } = openChecker()
      const relay = await openRelay({ transport })
      const per = Buffer.byteLength(character)
      for (let bytes = 970; bytes <= 980; bytes++) {
        const description = `${character.repeat(Math.floor(bytes / per))}${'x'.repeat(bytes % per)}`
        expect(Buffer.byteLength(description)).toBe(bytes)
        const body = { name: `bytes-${bytes}`, description, storages: [{ snapshotNo: '1' }] }
        expect((await relay.create(body)).status).toBe(bytes <= 975 ? 201 : 422)
      }
      await relay.close()
    },
  )

  test('is counted in the composed form that is sent', async () => {
    const { transport } = openChecker()
    const relay = await openRelay({ transport })
    const decomposed = '한'.repeat(325).normalize('NFD')
    expect(Buffer.byteLength(decomposed)).toBeGreaterThan(975)
    const body = { name: 'composed', description: decomposed, storages: [{ snapshotNo: '1' }] }
    expect((await relay.create(body)).status).toBe(201)
    await relay.close()
  })
})

describe('__proto__', () => {
  test.each([
    '{"__proto__":{"polluted":1},"name":"web-1","storages":[{"snapshotNo":"1"}]}',
    '{"name":"web-1","storages":[{"snapshotNo":"1","__proto__":{"polluted":1}}]}',
    '{"name":"web-1","storages":[{"snapshotNo":"1"},{"__proto__":{"sizeGb":10,"volumeType":"CB1"}}]}',
    '{"__proto__":{"name":"web-1","storages":[{"snapshotNo":"1"}]}}',
    '{"name":"web-1","storages":{"__proto__":[{"snapshotNo":"1"}],"length":1,"0":{}}}',
  ])('%s is refused and changes no prototype', async (body) => {
    const { transport, forms } = openChecker()
    const relay = await openRelay({ transport })
    const { status, json } = await relay.create(body)
    expect([status, json.code, forms.length]).toEqual([422, 'invalid-input', 0])
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    await relay.close()
  })
})
