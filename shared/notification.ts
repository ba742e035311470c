import { type Language, MESSAGES } from './messages.ts'
import type { CreationEnded, Event, JobSilent } from './notice.ts'
import type { Notification } from './notify.ts'
import type { StoredProblem } from './problem.ts'
import { rfc3339 } from './rfc3339.ts'

/** An event as a person is told it, in their language; `url` is where they see their images. */
export function notificationOf(event: Event, language: Language, url: string): Notification {
  const timestamp = rfc3339(event.at)
  return event.what === 'silent'
    ? { ...silence(event, language), timestamp, url }
    : { ...ending(event, language), timestamp, url }
}

type Words = Pick<Notification, 'title' | 'text' | 'fields' | 'type' | 'data'>

/** The end of a creation, in words. */
export function ending(event: CreationEnded, language: Language): Words {
  const { what, creationId, job, name, regionCode, imageNo, sizeGb, seconds, problem } = event
  const { title, field } = MESSAGES[language]
  const fields = [
    [field.image, imageNo],
    [field.job, job],
    [field.duration, what === 'ready' ? duration(seconds, language) : undefined],
    [field.size, sizeGb && `${sizeGb} GB`],
    [field.region, regionCode],
    [field.creation, what === 'ready' ? undefined : creationId],
  ] as const
  return {
    type: `creation.${what}`,
    title: filled(title[what], { name }),
    text: todoOf(event, language),
    fields: fields.flatMap(([name, value]) => (value ? [{ name, value }] : [])),
    data: {
      creationId,
      job: job ?? null,
      name,
      regionCode,
      imageNo: imageNo ?? null,
      sizeGb: sizeGb ?? null,
      seconds,
      problem: problem ?? null,
    },
  }
}

function todoOf({ what, creationId, name, problem }: CreationEnded, language: Language): string {
  const messages = MESSAGES[language]
  if (what === 'ready') return ''
  if (what !== 'rejected') return filled(messages.todo[what], { creationId })
  return problem ? todoAbout(problem, name, language) : ''
}

/** What to do about a problem with an image of that name. */
export function todoAbout(
  { code, detail, upstream }: StoredProblem,
  name: string,
  language: Language,
): string {
  const { problem, incomplete } = MESSAGES[language]
  const said = [upstream?.code, upstream?.message].filter(Boolean).join(' ')
  const parts = { name, code, detail, action: upstream?.action ?? '', upstream: said }
  return filled(problem[code] ?? incomplete, parts)
}

function silence(event: JobSilent, language: Language): Words {
  const { job, expectEveryHours, lastReadyAt } = event
  const { title, todo, field } = MESSAGES[language]
  return {
    type: 'job.silent',
    title: filled(title.silent, { job, hours: String(expectEveryHours) }),
    text: todo.silent,
    fields: [
      { name: field.job, value: job },
      ...(lastReadyAt ? [{ name: field.lastReady, value: lastReadyAt }] : []),
    ],
    data: { job, expectEveryHours, lastReadyAt },
  }
}

/** A template of the messages, filled in. */
export function filled(template: string, parts: Record<string, string>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => parts[name] ?? '')
}

/** The two largest units of it. */
function duration(seconds: number, language: Language): string {
  const { unit, between } = MESSAGES[language]
  const parts: [string, number][] = [
    [unit.hours, Math.floor(seconds / 3_600)],
    [unit.minutes, Math.floor((seconds % 3_600) / 60)],
    [unit.seconds, seconds % 60],
  ]
  const given = parts.filter(([, n]) => n > 0).slice(0, 2)
  return given.map(([template, n]) => filled(template, { n: String(n) })).join(between)
}
