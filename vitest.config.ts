import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

/** On DynamoDB Local, which needs Java. */
const onDynamodb = [
  ...['dynamodb-store', 'lambda', 'lambda-chats', 'lambda-doors', 'lambda-jobs', 'simulation'],
].map((name) => `test/platform/aws/${name}.test.ts`)

export default defineConfig({
  test: {
    globalSetup: 'test/build.ts',
    // Much of the time is spent waiting: one less than the cores, the default, leaves half of two idle.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/platform/cloudflare/**', ...onDynamodb],
          testTimeout: 60_000,
          hookTimeout: 30_000,
          maxConcurrency: 50,
        },
      },
      {
        extends: true,
        test: {
          name: 'dynamodb',
          include: onDynamodb,
          maxConcurrency: 10,
          testTimeout: 600_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              bindings: { SCHEDULES: String(Number(process.env.SCHEDULES ?? 2_000) / 20) },
            },
          }),
        ],
        test: {
          name: 'workerd',
          include: ['test/shared/**/*.test.ts', 'test/platform/cloudflare/**/*.test.ts'],
          testTimeout: 60_000,
        },
      },
    ],
  },
})
