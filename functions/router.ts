import type { Result, Router } from 'hono/router'

/**
 * Hono's routes where they are few and plain: `/a/:b`, and `/*` for all. The first that fits is taken, and a slash at the end
 * makes another path. Hono's own give all that fit, or take that slash, and the Worker has no bytes for more.
 */
export class PlainRouter<Handler> implements Router<Handler> {
  readonly name = 'PlainRouter'
  readonly #routes: { method: string; pattern: RegExp; handler: Handler }[] = []

  add(method: string, path: string, handler: Handler): void {
    const source = path
      .replaceAll('.', '\\.')
      .replace('*', '[^]*')
      .replace(/:(\w+)/g, '(?<$1>[^/]+)')
    this.#routes.push({ method, pattern: new RegExp(`^${source}$`), handler })
  }

  match(asked: string, path: string): Result<Handler> {
    for (const { method, pattern, handler } of this.#routes) {
      const match = (method === asked || method === 'ALL') && pattern.exec(path)
      if (match) return [[[handler, match.groups ?? {}]]]
    }
    return [[]]
  }
}
