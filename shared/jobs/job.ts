import * as v from 'valibot'
import { Digits, RegionCode } from '../ncloud/values.ts'
import {
  BaseStorage,
  baseFields,
  FurtherStorage,
  furtherFields,
  ImageName,
  imageFields,
  storagesOf,
} from '../operations/create-image/input.ts'
import { TargetNames } from '../outbox/webhooks.ts'
import { isCron, isTimeZone, openSchedule } from './cron.ts'

const PLACEHOLDER = /\{(yyyyMMdd|yyMMdd|HHmm)\}/g
const DEFAULT_MAX_AGE_HOURS = 26
/** The maximum is 83 days, because operations are kept for 90 days. */
const MAX_HOURS = 2_000

const rules = {
  name: 'must be 1 to 64 of A-Z a-z 0-9 _ -',
  cron: 'must be minute, hour, day, month and weekday (MON to SUN), each in its range, on a date that exists; not both day and weekday',
  timeZone: 'must be a time zone: Asia/Seoul, Asia/Tokyo, UTC …',
  image:
    'must become 3 to 30 lower-case letters, digits and hyphens once {yyyyMMdd}, {yyMMdd} and {HHmm} are filled in',
  either: 'must not be used together with latestSnapshotOf',
  hours: `must be a whole number of hours from 1 to ${MAX_HOURS}`,
  unnotified: 'requires notify, because nobody would be notified otherwise',
  uniqueNames: 'must not have two jobs with the same name',
}

const Hours = v.pipe(
  v.number(),
  v.safeInteger(rules.hours),
  v.minValue(1, rules.hours),
  v.maxValue(MAX_HOURS, rules.hours),
)

/** A snapshot that is looked up when the job runs: the newest usable one of a storage. */
const latestFields = {
  latestSnapshotOf: Digits,
  snapshotNo: v.optional(v.never(rules.either)),
  maxAgeHours: v.optional(Hours, DEFAULT_MAX_AGE_HOURS),
}
const LatestBase = v.strictObject({ ...latestFields, ...baseFields })
const LatestFurther = v.strictObject({ ...latestFields, ...furtherFields })

// One sample date is enough: the name rule treats all digits alike.
const NameTemplate = v.pipe(
  v.string(),
  v.check((template) => v.is(ImageName, fillTemplate(template, '2026-11-22T03:30')), rules.image),
)

const Job = v.pipe(
  v.strictObject({
    name: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/, rules.name)),
    cron: v.pipe(v.string(), v.check(isCron, rules.cron)),
    timeZone: v.pipe(v.string(), v.check(isTimeZone, rules.timeZone)),
    image: v.strictObject({
      ...imageFields,
      name: NameTemplate,
      storages: storagesOf(
        v.lazy((storage) => (seeksLatest(storage) ? LatestBase : BaseStorage)),
        v.lazy((storage) => (seeksLatest(storage) ? LatestFurther : FurtherStorage)),
      ),
      regionCode: v.optional(RegionCode),
    }),
    notify: v.optional(TargetNames, []),
    expectEveryHours: v.optional(Hours),
  }),
  v.forward(
    v.partialCheck(
      [['notify'], ['expectEveryHours']],
      ({ notify, expectEveryHours }) => expectEveryHours === undefined || notify.length > 0,
      rules.unnotified,
    ),
    ['expectEveryHours'],
  ),
  v.transform((job) => ({ ...job, schedule: openSchedule(job.cron, job.timeZone) })),
)

/** The setting `RELAY_JOBS`. */
export const Jobs = v.pipe(
  v.array(Job),
  v.check((jobs) => new Set(jobs.map(({ name }) => name)).size === jobs.length, rules.uniqueNames),
)

/** A named, scheduled operation. */
export type Job = v.InferOutput<typeof Job>

/** Returns the name of a job's image at a time (milliseconds since the epoch), in the job's zone. */
export function imageNameAt({ image, schedule }: Job, at: number): string {
  return fillTemplate(image.name, schedule.local(at))
}

/** True if each minute gives another image name, so that people can run the job at any time. */
export function namesEveryMinute({ image }: Job): boolean {
  return image.name.includes('{HHmm}')
}

/** Fills in a template with a time in RFC 3339. */
function fillTemplate(template: string, time: string): string {
  const [date = '', clock = ''] = time.split('T').map((part) => part.replaceAll(/[-:]/g, ''))
  const parts: Record<string, string> = {
    yyyyMMdd: date,
    yyMMdd: date.slice(2),
    HHmm: clock.slice(0, 4),
  }
  return template.replace(PLACEHOLDER, (_, name: string) => parts[name] ?? '')
}

function seeksLatest(storage: unknown): boolean {
  return storage instanceof Object && 'latestSnapshotOf' in storage
}
