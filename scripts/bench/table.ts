/** Returns the median, minimum and maximum of a series. */
export function summary(series: number[]) {
  const sorted = [...series].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN
  return { median: at(0.5), min: at(0), max: at(1) }
}

/** Writes a series as text: the median, and in brackets the minimum and maximum. */
export function spread(series: number[], digits = 0): string {
  const { median, min, max } = summary(series)
  return `${median.toFixed(digits)} [${min.toFixed(digits)}..${max.toFixed(digits)}]`
}

/** Prints a title and rows in aligned columns; the first row is the header. */
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
