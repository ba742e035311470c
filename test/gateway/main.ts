import { listenFault } from '../../functions/platform/node/listen.ts'
import { openGateway } from './gateway.ts'

const port = Number(process.env.PORT || 8788)
const gateway = await openGateway({ port }).catch((error) => {
  console.error(listenFault(error, { host: '127.0.0.1', port }).detail)
  process.exit(1)
})
// The other snapshots are from last year: too old for a job that uses the latest one.
gateway.snapshots.add({ name: 'todays-snap' })

process.stdout.write(
  `Simulated NAVER Cloud gateway on ${gateway.origin}\n` +
    `access key ${gateway.accessKey}, secret key ${gateway.secretKey}\n` +
    `faults, requests and images under ${gateway.origin}/control\n`,
)
