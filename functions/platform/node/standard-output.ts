import { writeSync } from 'node:fs'

/**
 * Returns a function that prints a line. The relay goes on without a log if the reader of a pipe is gone or a disk is full,
 * and prints again once the disk has room.
 */
export function linePrinter(): (line: string) => void {
  const { stdout } = process
  // Without a listener, a failed write would end the process.
  stdout.on('error', () => {})
  return (line) => {
    try {
      // After an error the stream takes no more lines.
      if (stdout.destroyed || stdout.errored) writeSync(stdout.fd, `${line}\n`)
      else stdout.write(`${line}\n`)
    } catch {
      // A line that cannot be printed is lost.
    }
  }
}
