import { serve } from '@hono/node-server'
import app from './pass-through.ts'

// Node does not serve a module's default export by itself.
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env.PORT) })
