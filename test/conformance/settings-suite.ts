import { expect, test } from 'vitest'
import { sampled } from '../support/counts.ts'
import type { Door, Environment } from '../support/doors.ts'
import { environmentFor } from '../support/relay.ts'

/** A wrong setting and the message that the operator gets. */
export type WrongSetting = [name: string, value: unknown, message: string, path?: string]

const VISIBLE = 'must be visible ASCII without spaces'
const REGION = 'must be 2 to 10 capital letters and digits, beginning with a letter: KR, SGN, JPN …'
const ORIGIN = 'must be an https origin without a path; http only on loopback'

const CRON =
  'must be minute, hour, day, month and weekday (MON to SUN), each in its range, on a date that exists; not both day and weekday'
const UNKNOWN = 'names targets that RELAY_NOTIFY does not have: 0.notify.0'
const ZONE = 'must be a time zone: Asia/Seoul, Asia/Tokyo, UTC …'
const URL_RULE = 'must be an https address without credentials; http only on loopback'

/** Returns the setting of one job with one fault. */
function job(wrong: object): string {
  const image = { name: 'web-{yyMMdd}', storages: [{ snapshotNo: '1' }] }
  return JSON.stringify([{ name: 'a', cron: '0 3 * * *', timeZone: 'UTC', image, ...wrong }])
}

/** The settings that are wrong on every platform. */
export const wrongAnywhere: WrongSetting[] = [
  ['NCLOUD_ACCESS_KEY', undefined, 'is required'],
  ['NCLOUD_ACCESS_KEY', '', 'is required'],
  ['NCLOUD_ACCESS_KEY', 'CANARY key', VISIBLE],
  ['NCLOUD_SECRET_KEY', undefined, 'is required'],
  ['NCLOUD_SECRET_KEY', '', 'is required'],
  ['NCLOUD_SECRET_KEY', 'CANARY\nkey', VISIBLE],
  ['NCLOUD_SECRET_ID', 'CANARY', 'must not be set together with a key pair'],
  ['NCLOUD_SITE', 'CANARY', 'must be one of public, gov, fin'],
  ['NCLOUD_API_GW', 'https://gateway.test/CANARY', ORIGIN],
  ['NCLOUD_REGION', 'canary', REGION],
  ['RELAY_KEYS', '[CANARY', 'must be JSON'],
  ['RELAY_KEYS', '{"id":"CANARY"}', 'must be a list'],
  ['RELAY_KEYS', '["CANARY"]', 'must be an object', 'RELAY_KEYS.0'],
  ['RELAY_JOBS', '[CANARY', 'must be JSON'],
  ['RELAY_JOBS', '["CANARY"]', 'must be an object', 'RELAY_JOBS.0'],
  ['RELAY_JOBS', job({ timeZone: 'Asia/CANARY' }), ZONE, 'RELAY_JOBS.0.timeZone'],
  ['RELAY_JOBS', job({ cron: '0 3 * * 1' }), CRON, 'RELAY_JOBS.0.cron'],
  ['RELAY_JOBS', job({ notify: ['CANARY'] }), UNKNOWN],
  ['RELAY_NOTIFY', '["CANARY"]', 'must be an object whose names are 1 to 64 of A-Z a-z 0-9 . _ -'],
  ['RELAY_NOTIFY', '{"ops":{"format":"slack","url":"CANARY"}}', URL_RULE, 'RELAY_NOTIFY.ops.url'],
  ['RELAY_LANGUAGE', 'CANARY', 'must be one of en, ko, ja'],
]

/** The wrong settings that are not strings, which only a Worker can have. */
export const wrongTypes: WrongSetting[] = [
  ['NCLOUD_ACCESS_KEY', 1, 'must be a string'],
  ['NCLOUD_SECRET_KEY', ['CANARY'], 'must be a string'],
  ['NCLOUD_SITE', 0, 'must be one of public, gov, fin'],
  ['NCLOUD_API_GW', false, 'must be a string'],
  ['NCLOUD_REGION', { CANARY: 1 }, 'must be a string'],
  ['RELAY_KEYS', true, 'must be a list'],
  ['RELAY_JOBS', {}, 'must be a list'],
  ['RELAY_LANGUAGE', 1, 'must be one of en, ko, ja'],
]

const optional = [
  ...['NCLOUD_SITE', 'NCLOUD_REGION', 'RELAY_KEYS', 'RELAY_JOBS', 'RELAY_NOTIFY'],
  ...['RELAY_LANGUAGE', 'PORT', 'RELAY_DATABASE'],
]

/** Tests that a relay with a missing or wrong setting serves nothing and names the setting. */
export function settingsSuite(
  open: (environment: Environment) => Promise<Door>,
  wrong: WrongSetting[],
  { part }: { part?: number } = {},
) {
  const right = environmentFor('https://gateway.test')

  test.concurrent.each(sampled(wrong, part))(
    'refuses %s = %j',
    async (name, value, message, path = name) => {
      const { [name]: _, ...environment } = right as Environment
      const door = await open(value === undefined ? environment : { ...environment, [name]: value })
      expect((await door.request('/healthz', { as: '' })).status).toBe(200)
      const ready = await door.request('/readyz', { as: '' })
      expect([ready.status, ready.json.errors]).toEqual([503, [{ path, message }]])
      for (const path of ['/v1/images/1', '/nope']) {
        const { status, json } = await door.request(path)
        expect([status, json.code, json.errors]).toEqual([503, 'not-configured', undefined])
      }
      await door.close()
      expect(door.output()).toContain(`"event":"settings","code":"${path}"`)
      expect(door.output()).not.toMatch(/canary/i)
    },
  )

  test('names all wrong settings at once', async () => {
    const wrong = { NCLOUD_SITE: 'x', NCLOUD_REGION: 'x', RELAY_KEYS: '{' }
    const door = await open({ ...right, ...wrong })
    const { json } = await door.request('/readyz', { as: '' })
    const names = json.errors.map(({ path }: { path: string }) => path)
    expect(names).toEqual(Object.keys(wrong))
    await door.close()
  })

  test('accepts an empty value of a setting with a default', async () => {
    const empty = Object.fromEntries(optional.map((name) => [name, '']))
    const door = await open({ ...right, ...empty, PORT: '0', RELAY_DATABASE: ':memory:' })
    expect((await door.request('/readyz', { as: '' })).status).toBe(200)
    await door.close()
  })
}
