import type { KnownBlock, PlainTextElement } from '@slack/types'
import { picture, text, widthOf, wrapped } from './svg.ts'

const WIDTH = 620
const LEFT = 68
const LINE = 20
const MAX_CHARACTERS = 74

/** Draws a command in Slack and the blocks of its answer. */
export function slackSvg(command: string, blocks: KnownBlock[]): string {
  const parts = [
    text(LEFT, 34, command, 'font-family="ui-monospace, monospace" fill-opacity="0.7"'),
    '<rect x="20" y="50" width="36" height="36" rx="6" fill="#03c75a"/>',
    text(38, 73, 'N', 'text-anchor="middle" font-weight="700" style="fill:#ffffff"'),
    text(LEFT, 63, 'NCP', 'font-weight="700"'),
  ]
  let y = 86
  for (const block of blocks) {
    for (const { height, svg } of drawn(block, y)) {
      parts.push(svg)
      y += height
    }
    y += 8
  }
  return picture(WIDTH, y + 4, 'The answer to a command in Slack', parts)
}

function drawn(block: KnownBlock, top: number): { height: number; svg: string }[] {
  switch (block.type) {
    case 'header':
      return [
        {
          height: LINE + 4,
          svg: text(LEFT, top, block.text.text, 'font-weight="700" font-size="15"'),
        },
      ]
    case 'section': {
      const lines = block.text ? linesOf(block.text as PlainTextElement) : []
      const fields = (block.fields ?? []).flatMap((field) => linesOf(field as PlainTextElement))
      return [...lines, ...fields].map((line, row) => {
        return { height: LINE, svg: text(LEFT, top + row * LINE, line) }
      })
    }
    case 'actions':
      return block.elements.flatMap((element) =>
        element.type === 'button' ? [button(element.text.text, top)] : [],
      )
    default:
      return []
  }
}

function linesOf({ text }: PlainTextElement): string[] {
  return text.split('\n').flatMap((line) => wrapped(line, MAX_CHARACTERS))
}

function button(label: string, top: number) {
  const width = widthOf(label) + 24
  const rect = `<rect x="${LEFT}" y="${top - 14}" width="${width}" height="28" rx="4" fill="#007a5a"/>`
  const style = 'text-anchor="middle" font-weight="700" style="fill:#ffffff"'
  return { height: 32, svg: rect + text(LEFT + width / 2, top + 5, label, style) }
}
