import * as v from 'valibot'
import { isCron, isTimeZone, openSchedule } from './cron.ts'
import {
  BaseStorage,
  FurtherStorage,
  ImageName,
  imageContent,
  ofBase,
  ofFurther,
  storagesOf,
} from './ncloud/actions/create-server-image-from-snapshot.ts'
import { Digits, RegionCode } from './ncloud/values.ts'
import { TargetNames } from './notify.ts'

const PLACEHOLDER = /\{(yyyyMMdd|yyMMdd|HHmm)\}/g
const DEFAULT_MAX_AGE_HOURS = 26
/** Less than the ninety days for which creations are kept. */
const MOST_HOURS = 2_000

const rules = {
  name: 'must be 1 to 64 of A-Z a-z 0-9 _ -',
  cron: 'must be minute, hour, day, month and weekday (MON to SUN), each in its range, on a date that exists; not both day and weekday',
  timeZone: 'must be a time zone: Asia/Seoul, Asia/Tokyo, UTC …',
  image:
    'must become 3 to 30 lower-case letters, digits and hyphens by {yyyyMMdd}, {yyMMdd} and {HHmm}',
  either: 'must not stand beside latestSnapshotOf',
  hours: `must be a whole number of hours, 1 to ${MOST_HOURS}`,
  unheard: 'must not stand without notify',
  twice: 'must not hold a name twice',
}

const Hours = v.pipe(
  v.number(),
  v.safeInteger(rules.hours),
  v.check((hours) => hours >= 1 && hours <= MOST_HOURS, rules.hours),
)

/** A snapshot that is found when the job runs: the newest of a storage that can be used. */
const latest = {
  latestSnapshotOf: Digits,
  snapshotNo: v.optional(v.never(rules.either)),
  maxAgeHours: v.optional(Hours, DEFAULT_MAX_AGE_HOURS),
}
const LatestBase = v.strictObject({ ...latest, ...ofBase })
const LatestFurther = v.strictObject({ ...latest, ...ofFurther })

// Any digits do for all: the grammar does not tell one digit from another.
const NameTemplate = v.pipe(
  v.string(),
  v.check((template) => v.is(ImageName, rendered(template, '2026-11-22T03:30')), rules.image),
)

const Job = v.pipe(
  v.strictObject({
    name: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/, rules.name)),
    cron: v.pipe(v.string(), v.check(isCron, rules.cron)),
    timeZone: v.pipe(v.string(), v.check(isTimeZone, rules.timeZone)),
    image: v.strictObject({
      ...imageContent,
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
  v.rawCheck(({ dataset: { typed, value: job }, addIssue }) => {
    if (!typed || job.expectEveryHours === undefined || job.notify.length > 0) return
    const [key, value] = ['expectEveryHours', job.expectEveryHours]
    const path = { type: 'object', origin: 'value', input: job, key, value } as const
    addIssue({ message: rules.unheard, path: [path] })
  }),
  v.transform((job) => ({ ...job, schedule: openSchedule(job.cron, job.timeZone) })),
)

/** The setting `RELAY_JOBS`. */
export const Jobs = v.pipe(
  v.array(Job),
  v.check((jobs) => new Set(jobs.map(({ name }) => name)).size === jobs.length, rules.twice),
)

/** A named, scheduled creation. */
export type Job = v.InferOutput<typeof Job>

/** The content of a job's image at a time, its name by the clocks of the job's zone. */
export function contentAt({ image, schedule }: Job, at: number) {
  const { regionCode: _, ...content } = image
  return { ...content, name: rendered(image.name, schedule.local(at)) }
}

/** Whether each minute has a name of its own: what people start may come at any. */
export function isByMinute({ image }: Job): boolean {
  return image.name.includes('{HHmm}')
}

/** A template filled in with a time as RFC 3339 writes it. */
function rendered(template: string, time: string): string {
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
