import { execFileSync } from 'node:child_process'

/** Builds what some suites run, once per run. */
export default function setup() {
  execFileSync(process.execPath, ['scripts/build.ts'], { stdio: 'inherit' })
}
