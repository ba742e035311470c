import { writeFile } from 'node:fs/promises'
import { sequenceSvg } from './sequence-svg.ts'
import { slackSvg } from './slack-svg.ts'
import { COMMAND, recordStory } from './story.ts'

/** Returns the pictures of the README, drawn from what a relay really answers, logs and sends. */
export async function pictures(): Promise<Record<string, string>> {
  const { steps, blocks } = await recordStory()
  return {
    'docs/pictures/lost-answer.svg': sequenceSvg(['Your script', 'Relay', 'NAVER Cloud'], steps),
    'docs/pictures/slack.svg': slackSvg(`/ncp ${COMMAND}`, blocks),
  }
}

if (import.meta.main) {
  for (const [file, svg] of Object.entries(await pictures())) await writeFile(file, svg)
}
