import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 30_000,
          maxConcurrency: 20,
        },
      },
      {
        plugins: [cloudflareTest({ miniflare: { compatibilityDate: '2026-10-23' } })],
        test: { name: 'workerd', include: ['test/shared/**/*.test.ts'], testTimeout: 60_000 },
      },
    ],
  },
})
