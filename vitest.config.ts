import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** A campaign is one test of more than ten minutes on a busy machine. */
const HANG_MS = process.env.COUNTS === 'full' ? 2_400_000 : 600_000

/** On DynamoDB Local, which needs Java. */
const onDynamodb = [
  ...['dynamodb-store', 'lambda', 'lambda-chats', 'lambda-doors', 'lambda-jobs', 'simulation'],
].map((name) => `test/platform/aws/${name}.test.ts`)

/** The files that wait most, so that others run beside them; without results of an earlier run Vitest would not know. */
const LONG = [
  'conformance/',
  'start.test',
  'simulation',
  'kill.test',
  'secrets.test',
  'openapi.test',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]) {
    const isLong = ({ moduleId }: TestSpecification) => LONG.some((part) => moduleId.includes(part))
    return [...files.filter(isLong), ...files.filter((file) => !isLong(file))]
  }
}

export default defineConfig({
  test: {
    globalSetup: 'test/support/build.ts',
    // Much of the time is spent waiting: one less than the cores, the default, leaves half of two idle.
    maxWorkers: 3,
    // Each file restores what it changes, so they need no process each.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    // Only a hang takes as long, even on a slow machine.
    testTimeout: HANG_MS,
    hookTimeout: HANG_MS,
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['**/node_modules/**', 'test/platform/cloudflare/**', ...onDynamodb],
          maxConcurrency: 12,
        },
      },
      {
        extends: true,
        test: {
          name: 'dynamodb',
          include: onDynamodb,
          maxConcurrency: 10,
          // One of its tests takes about ten minutes, also without `COUNTS=full`.
          testTimeout: 2_400_000,
        },
      },
      {
        extends: true,
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              bindings: { SCHEDULES: String(Number(process.env.SCHEDULES ?? 200) / 20) },
            },
          }),
        ],
        test: {
          name: 'workerd',
          // A test in workerd does not see the environment of the process.
          env: { COUNTS: process.env.COUNTS ?? '' },
          include: ['test/shared/**/*.test.ts', 'test/platform/cloudflare/**/*.test.ts'],
        },
      },
    ],
  },
})
