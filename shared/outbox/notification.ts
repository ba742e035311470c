import { withoutFacts } from '../problem.ts'
import { rfc3339 } from '../web/rfc3339.ts'
import { problemMessage } from './messages.ts'
import type { Event, JobOverdue, OperationEnded } from './notice.ts'
import type { Notification } from './webhooks.ts'
import { WORDINGS } from './wording/all.ts'
import type { Language } from './wording/languages.ts'
import type { Wording } from './wording/wording.ts'

/** Writes an event in a language. `url` is the page where people see their images. */
export function notificationOf(event: Event, language: Language, url: string): Notification {
  const wording = WORDINGS[language]
  const message =
    event.what === 'overdue' ? overdueMessage(event, wording) : endMessage(event, wording)
  return { ...message, timestamp: rfc3339(event.at), url }
}

type Message = Pick<Notification, 'title' | 'text' | 'fields' | 'type' | 'data'>

/** Writes the result of an operation in a language. */
export function endMessage(event: OperationEnded, wording: Wording): Message {
  const { what, operationId, job, name, regionCode, imageNo, sizeGb, seconds, problem } = event
  const { title, field } = wording
  const fields = [
    [field.image, imageNo],
    [field.job, job],
    [field.duration, what === 'ready' ? wording.duration(seconds) : undefined],
    [field.size, sizeGb && `${sizeGb} GB`],
    [field.region, regionCode],
    [field.operation, what === 'ready' ? undefined : operationId],
  ] as const
  return {
    type: `operation.${what}`,
    title: title[what]({ name }),
    text: adviceOn(event, wording),
    fields: fields.flatMap(([name, value]) => (value ? [{ name, value }] : [])),
    data: {
      operationId,
      job: job ?? null,
      name,
      regionCode,
      imageNo: imageNo ?? null,
      sizeGb: sizeGb ?? null,
      seconds,
      problem: problem ? withoutFacts(problem) : null,
    },
  }
}

function adviceOn({ what, name, problem }: OperationEnded, wording: Wording): string | undefined {
  if (what === 'ready') return undefined
  if (what !== 'rejected') return wording.advice[what]
  return problem ? problemMessage(problem, name, wording) : undefined
}

function overdueMessage(event: JobOverdue, { title, advice, field }: Wording): Message {
  const { job, expectEveryHours, lastReadyAt } = event
  return {
    type: 'job.overdue',
    title: title.overdue({ job, hours: expectEveryHours }),
    text: advice.overdue,
    fields: [
      { name: field.job, value: job },
      ...(lastReadyAt ? [{ name: field.lastReady, value: lastReadyAt }] : []),
    ],
    data: { job, expectEveryHours, lastReadyAt },
  }
}
