import type { KnownBlock, PlainTextElement } from '@slack/types'

/** Writes blocks as the lines that Slack would show; a button is followed by the command that clicks it. */
export function slackLines(blocks: KnownBlock[]): string[] {
  return blocks.flatMap(linesOf)
}

function linesOf(block: KnownBlock): string[] {
  switch (block.type) {
    case 'header':
      return [`*${shown(block.text)}*`]
    case 'section': {
      const fields = (block.fields ?? []).map((field) => shown(field).replace('\n', ': '))
      return [...(block.text ? [shown(block.text)] : []), ...fields]
    }
    case 'actions':
      return block.elements.flatMap((element) =>
        element.type === 'button' ? ['', `[${shown(element.text)}]`, clickOn(element)] : [],
      )
    default:
      return []
  }
}

function clickOn({ action_id, value }: { action_id?: string; value?: string }): string {
  return `npm run chat -- --click '${action_id} ${value}'`
}

function shown({ text }: Pick<PlainTextElement, 'text'>): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}
