import { benchImport, benchSizes } from './bundles.ts'
import { benchColdStart } from './cold-start.ts'
import { benchReadPath } from './read-path.ts'
import { benchSigner } from './signer.ts'

console.log(`Node ${process.version} on ${process.platform} ${process.arch}; median [min..max]`)
await benchSizes()
await benchImport()
await benchSigner()
await benchColdStart()
await benchReadPath()
