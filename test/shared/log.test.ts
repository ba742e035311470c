import { expect, test } from 'vitest'
import { jsonLines, type LogEvent, levelOf, logWith, terminalLine } from '../../shared/log.ts'

test('a line is JSON with its time and level first', () => {
  const lines: string[] = []
  jsonLines((line) => lines.push(line))({ event: 'listening', port: 8787 })
  expect(lines[0]).toMatch(
    /^\{"time":"\d{4}-\d\d-\d\dT[\d:.]+Z","level":"info","event":"listening","port":8787\}$/,
  )
})

test.each<[LogEvent, string]>([
  [{ event: 'request', status: 200 }, 'info'],
  [{ event: 'request', status: 401, code: 'unauthenticated' }, 'warn'],
  [{ event: 'request', status: 503, code: 'not-configured' }, 'error'],
  [{ event: 'upstream', status: 200 }, 'info'],
  [{ event: 'upstream', status: 200, fallback: true }, 'info'],
  [{ event: 'upstream', code: 'upstream-timeout' }, 'warn'],
  [{ event: 'transition', state: 'applied' }, 'info'],
  [{ event: 'transition', state: 'rejected', code: 'name-taken' }, 'warn'],
  [{ event: 'notification', state: 'delivered' }, 'info'],
  [{ event: 'notification', state: 'given_up' }, 'warn'],
  [{ event: 'tick', due: 1 }, 'info'],
  [{ event: 'settings', code: 'PORT' }, 'error'],
  [{ event: 'defect', at: 'TypeError' }, 'error'],
])('%j has the level %s', (event, level) => {
  expect(levelOf(event)).toBe(level)
})

test('added fields do not replace an event’s own fields', () => {
  const events: LogEvent[] = []
  const log = logWith({ operationId: 'op_1', caller: 'tick' }, (event) => events.push(event))
  log({ event: 'upstream', caller: 'key:ci' })
  expect(events).toEqual([{ event: 'upstream', operationId: 'op_1', caller: 'key:ci' }])
})

// In the local time of the machine, for its operator.
const at = new Date(2026, 10, 28, 3, 36, 12)
test.each<[LogEvent, string | undefined]>([
  [
    { event: 'request', action: 'GET /v1/jobs', status: 200, caller: 'key:ci', milliseconds: 4.6 },
    '03:36:12  GET /v1/jobs  200  key:ci  5 ms',
  ],
  [
    { event: 'transition', state: 'applied', operationId: 'op_1', imageNo: '7' },
    '03:36:12  transition  applied  image 7',
  ],
  [{ event: 'settings', code: 'PORT', detail: 'PORT 1 …' }, '03:36:12  settings  PORT  PORT 1 …'],
  [
    { event: 'tick', due: 1, started: 0, milliseconds: 9 },
    '03:36:12  tick  1 due, 0 started  9 ms',
  ],
  [
    { event: 'upstream', action: 'getServerImageList', code: 'upstream-timeout' },
    '03:36:12  getServerImageList  upstream-timeout',
  ],
  // A person who watches a terminal does not need these.
  [{ event: 'upstream', action: 'getServerImageList', status: 200 }, undefined],
  [{ event: 'tick', due: 0, started: 0, milliseconds: 1 }, undefined],
])('%j is written to a terminal as %j', (event, line) => {
  expect(terminalLine(event, at)).toBe(line)
})
