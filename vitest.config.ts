import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

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
          exclude: ['test/platform/cloudflare/**', 'test/platform/aws/**'],
          testTimeout: 60_000,
          hookTimeout: 30_000,
          maxConcurrency: 20,
        },
      },
      {
        extends: true,
        test: {
          name: 'dynamodb',
          include: ['test/platform/aws/**/*.test.ts'],
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
