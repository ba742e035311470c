import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

/** The files of `shared/` that front ends use. They ask `shared/api` instead of NAVER Cloud, the store or the ledger. */
const FOR_FRONT_ENDS =
  /^shared\/(?!store\/|ncloud\/(reads|gateway)\.ts$|operations\/(follow|reconcile|settle)\.ts$)/

/** The rules: `of` matches files, and `may` their allowed imports, by path in this project or by package name. */
const rules: { of: RegExp; may: RegExp[] }[] = [
  { of: /^shared\//, may: [/^shared\//, /^valibot$/] },
  {
    of: /^functions\/platform\/node\//,
    may: [/^shared\//, /^functions\/platform\/node\//, /^node:/, /^@hono\/node-server$/],
  },
  {
    of: /^functions\/platform\/cloudflare\//,
    may: [/^shared\//, /^functions\/platform\/cloudflare\//, /^cloudflare:workers$/],
  },
  {
    of: /^functions\/platform\/aws\//,
    may: [/^shared\//, /^functions\/platform\/aws\//, /^@aws-sdk\//, /^valibot$/],
  },
  {
    of: /^functions\/lambda\.ts$/,
    may: [
      /^shared\//,
      /^functions\/(app|compose)\.ts$/,
      /^functions\/platform\/(aws|node)\//,
      /^@aws-sdk\//,
    ],
  },
  {
    of: /^functions\/server\.ts$/,
    may: [/^shared\//, /^functions\/(app|compose)\.ts$/, /^functions\/platform\/node\//],
  },
  {
    of: /^functions\/worker\.ts$/,
    may: [/^shared\//, /^functions\/(app|compose)\.ts$/, /^functions\/platform\/cloudflare\//],
  },
  {
    of: /^functions\/chat\/works\//,
    may: [/^shared\/web\/[^/]+\.ts$/, /^functions\/chat\/works\//, /^hono\//, /^valibot$/],
  },
  {
    of: /^functions\/chat\//,
    may: [
      FOR_FRONT_ENDS,
      /^functions\/([^/]+|chat\/.+)\.ts$/,
      /^hono(\/|$)/,
      /^valibot$/,
      /^@slack\/types$/,
    ],
  },
  {
    of: /^functions\/http\//,
    may: [FOR_FRONT_ENDS, /^functions\/([^/]+|http\/[^/]+)\.ts$/, /^hono(\/|$)/, /^valibot$/],
  },
  {
    of: /^functions\/compose\.ts$/,
    may: [/^shared\//, /^functions\/tick\.ts$/, /^functions\/chat\/[^/]+\.ts$/],
  },
  {
    of: /^functions\/app\.ts$/,
    may: [
      /^shared\//,
      /^functions\/([^/]+|(chat|http)\/[^/]+)\.(ts|json)$/,
      /^hono(\/|$)/,
      /^valibot$/,
    ],
  },
  {
    of: /^functions\/[^/]+\.ts$/,
    may: [/^shared\//, /^functions\/[^/]+\.(ts|json)$/, /^hono(\/|$)/, /^valibot$/],
  },
]

const files = ['shared', 'functions'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file)),
)

/** The imports of each file, such as `shared/problem.ts` or `valibot`. */
const imports = new Map(
  files.map((file) => {
    const text = readFileSync(file, 'utf8')
    const statements =
      /^(?:import\b|export\b|\}).*?(?:from|import) ?'([^']+)'|\bimport\('([^']+)'\)/gm
    const targets = [...text.matchAll(statements)].map(([, from, dynamic]) => {
      const to = from ?? dynamic ?? ''
      return to.startsWith('.') ? join(dirname(file), to) : to
    })
    return [file, targets]
  }),
)

test('every file imports only what its layer allows', () => {
  const broken = files.flatMap((file) => {
    const rule = rules.find(({ of }) => of.test(file))
    const targets = imports.get(file) ?? []
    return targets
      .filter((target) => !rule?.may.some((allowed) => allowed.test(target)))
      .map((target) => `${file} must not import ${target}`)
  })
  expect(broken).toEqual([])
})

test('the rows of the API name nothing of HTTP', () => {
  const words = /\b(HTTP|[Hh]eaders?|Response|status code|GET|POST|Prefer)\b/
  const found = files
    .filter((file) => file.startsWith('shared/api/'))
    .flatMap((file) => {
      const lines = readFileSync(file, 'utf8').split('\n')
      return lines.filter((line) => words.test(line)).map((line) => `${file}: ${line}`)
    })
  expect(found).toEqual([])
})

test('no file imports itself, directly or through other files', () => {
  const cycles: string[] = []
  const visit = (file: string, path: string[]) => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' > '))
    else if (!done.has(file)) {
      for (const target of imports.get(file) ?? []) visit(target, [...path, file])
      done.add(file)
    }
  }
  const done = new Set<string>()
  for (const file of files) visit(file, [])
  expect(cycles).toEqual([])
})

test('no file imports an entry', () => {
  const targets = [...imports.values()].flat()
  expect(
    targets.filter((target) => /^functions\/(server|worker|lambda)\.ts$/.test(target)),
  ).toEqual([])
})

test('no file has the name of a catch-all or a barrel', () => {
  expect(
    files.filter((file) => /(^|\/)(index|utils?|helpers?|common|types|manager)\.ts$/.test(file)),
  ).toEqual([])
})

test('npm run test:full runs every test that reduces a count', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
  const filters = scripts['test:full'].split(' workerd ')[1].split(' ')
  const reduced = readdirSync('test', { recursive: true, encoding: 'utf8' }).filter(
    (file) =>
      file.endsWith('.ts') &&
      /from '[./]+support\/counts\.ts'/.test(readFileSync(join('test', file), 'utf8')),
  )
  expect(reduced.length).toBeGreaterThan(10)
  expect(reduced.filter((file) => !filters.some((part: string) => file.includes(part)))).toEqual([])
})
