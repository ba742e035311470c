import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { pictures } from '../scripts/pictures/pictures.ts'

test('the pictures of the README show what the relay does now', async () => {
  for (const [file, svg] of Object.entries(await pictures())) {
    expect(svg, `${file} is not current: run npm run pictures`).toBe(await readFile(file, 'utf8'))
  }
})
