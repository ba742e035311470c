import { picture, text, widthOf } from './svg.ts'

/** A step of a sequence: a message between two lanes, something that a lane does, or a note over all lanes. */
export type Step =
  | { from: number; to: number; text: string; isLost?: boolean }
  | { at: number; text: string }
  | { note: string }

const LANE = 250
const MARGIN = 120
const TOP = 60
const ROW = 32

/** Draws a sequence of steps between lanes, from top to bottom. */
export function sequenceSvg(lanes: string[], steps: Step[]): string {
  const width = MARGIN * 2 + LANE * (lanes.length - 1)
  const height = TOP + ROW * (steps.length + 1)
  const xOf = (lane: number) => MARGIN + lane * LANE
  const heads = lanes.flatMap((name, lane) => [
    text(xOf(lane), 30, name, 'text-anchor="middle" font-weight="600"'),
    `<line x1="${xOf(lane)}" y1="42" x2="${xOf(lane)}" y2="${height - 16}" stroke="#d0d7de"/>`,
  ])
  const drawn = steps.flatMap((step, row) => draw(step, TOP + ROW * row + 14, xOf, width))
  return picture(width, height, 'A create whose answer is lost', [...heads, ...drawn])
}

function draw(step: Step, y: number, xOf: (lane: number) => number, width: number): string[] {
  if ('note' in step) {
    return [
      `<line x1="16" y1="${y}" x2="${width - 16}" y2="${y}" stroke="#d0d7de" stroke-dasharray="4 4"/>`,
      box(width / 2, y, step.note, '#ffffff', '#d0d7de'),
    ]
  }
  if ('at' in step) return [box(xOf(step.at), y, step.text, '#ddf4ff', '#54aeff')]
  const [from, to] = [xOf(step.from), xOf(step.to)]
  const color = step.isLost ? '#cf222e' : '#1f2328'
  const head = to > from ? -7 : 7
  const end = step.isLost ? to - head * 6 : to
  const tip = step.isLost
    ? `<path d="M${end - 5} ${y - 5} l10 10 m0 -10 l-10 10" stroke="${color}" stroke-width="1.5"/>`
    : `<path d="M${to + head} ${y - 4} L${to} ${y} L${to + head} ${y + 4}" fill="none" stroke="${color}"/>`
  return [
    text((from + to) / 2, y - 5, step.text, 'text-anchor="middle" font-size="12"'),
    `<line x1="${from}" y1="${y}" x2="${end}" y2="${y}" stroke="${color}"/>`,
    tip,
  ]
}

function box(x: number, y: number, content: string, fill: string, stroke: string): string {
  const width = widthOf(content) + 16
  const rect = `<rect x="${x - width / 2}" y="${y - 11}" width="${width}" height="22" rx="11" fill="${fill}" stroke="${stroke}"/>`
  return rect + text(x, y + 4, content, 'text-anchor="middle" font-size="12"')
}
