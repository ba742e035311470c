import { serve } from '@hono/node-server'
import app from './pass-through.ts'

/** Node alone does not serve what a module exports. */
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env.PORT) })
