import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { parseSettings } from '../shared/settings.ts'

const pair = { NCLOUD_ACCESS_KEY: 'access', NCLOUD_SECRET_KEY: 'secret' }

/** Returns the first JSON block of a page. */
async function firstJsonOf(page: string): Promise<string> {
  const text = await readFile(page, 'utf8')
  const json = text.match(/```json\n([^`]*)```/)?.[1]
  if (!json) throw new Error(`There is no JSON in ${page}`)
  return json
}

test('the jobs and targets of the docs are valid settings', async () => {
  const RELAY_JOBS = await firstJsonOf('docs/jobs.md')
  const secret = `whsec_${Buffer.alloc(32).toString('base64')}`
  const RELAY_NOTIFY = (await firstJsonOf('docs/notifications.md')).replace('whsec_…', secret)
  expect(await parseSettings({ ...pair, RELAY_JOBS, RELAY_NOTIFY })).toMatchObject({
    value: { jobs: [{ name: 'nightly-web' }], targets: { ops: {}, audit: {} } },
  })
})

test('the schedule of EventBridge names a job and lets AWS fill in the time', async () => {
  const text = await readFile('docs/jobs.md', 'utf8')
  const target = JSON.parse(text.match(/--target '([^']+)'/)?.[1] ?? '')
  // Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
  expect(JSON.parse(target.Input)).toEqual({
    job: 'nightly-web',
    scheduledAt: '<aws.scheduler.scheduled-time>',
  })
})

const pages = [
  ...readdirSync('.').filter((file) => file.endsWith('.md')),
  ...readdirSync('docs').flatMap((file) => (file.endsWith('.md') ? [`docs/${file}`] : [])),
]

/** Returns the anchors that GitHub makes of a page's headings. */
function anchorsIn(page: string): string[] {
  const text = readFileSync(page, 'utf8').replace(/```.*?```/gs, '')
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

test.each(pages)('every link of %s leads somewhere', (page) => {
  const text = readFileSync(page, 'utf8').replace(/```.*?```/gs, '')
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
  for (const link of links.filter((one) => !/^(https?|mailto):/.test(one))) {
    const [path = '', anchor] = link.split('#')
    const target = path ? join(dirname(page), path) : page
    expect(() => readFileSync(target), link).not.toThrow()
    if (anchor) expect(anchorsIn(target), link).toContain(anchor)
  }
})
