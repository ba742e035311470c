import type { Result, Router } from 'hono/router'

/** Hono's routes where they are few and plain: `/a/:b`, and `/*` for all. A slash at the end makes another path. */
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

  match(method: string, path: string): Result<Handler> {
    const found = this.#routes.flatMap((route): [Handler, Record<string, string>][] => {
      const isTaken = route.method === method || route.method === 'ALL'
      const match = isTaken && route.pattern.exec(path)
      return match ? [[route.handler, { ...match.groups }]] : []
    })
    return [found]
  }
}
