import { execFileSync } from 'node:child_process'

/** Builds the files that some suites run, once per test run. */
export default function setup() {
  execFileSync(process.execPath, ['scripts/build.ts'], { stdio: 'inherit' })
}
