import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    globalSetup: 'test/build.ts',
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/platform/cloudflare/**'],
          testTimeout: 60_000,
          hookTimeout: 30_000,
          maxConcurrency: 20,
        },
      },
      {
        extends: true,
        plugins: [cloudflareTest({ wrangler: { configPath: './wrangler.toml' } })],
        test: {
          name: 'workerd',
          include: ['test/shared/**/*.test.ts', 'test/platform/cloudflare/**/*.test.ts'],
          testTimeout: 60_000,
        },
      },
    ],
  },
})
