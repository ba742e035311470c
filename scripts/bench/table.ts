/** The middle of a series, and its ends. */
export function summary(series: number[]) {
  const sorted = [...series].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN
  return { median: at(0.5), least: at(0), most: at(1) }
}

/** A series as text: median, and in brackets the least and the most. */
export function spread(series: number[], digits = 0): string {
  const { median, least, most } = summary(series)
  return `${median.toFixed(digits)} [${least.toFixed(digits)}..${most.toFixed(digits)}]`
}

/** Prints rows below their heads, in columns. */
export function print(title: string, rows: (string | number)[][]): void {
  const cells = rows.map((row) => row.map(String))
  const widths = (cells[0] ?? []).map((_, i) =>
    Math.max(...cells.map((row) => row[i]?.length ?? 0)),
  )
  console.log(`\n${title}`)
  for (const row of cells) {
    console.log(`  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd())
  }
}
