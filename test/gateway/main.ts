import { openGateway } from './gateway.ts'

const gateway = await openGateway({ port: Number(process.env.PORT ?? 8788) })
// The others are of last year: too old for a job that asks for the latest.
gateway.snapshots.add({ name: 'todays-snap' })

process.stdout.write(
  `Simulated NAVER Cloud gateway on ${gateway.origin}\n` +
    `access key ${gateway.accessKey}, secret key ${gateway.secretKey}\n` +
    `faults, requests and images under ${gateway.origin}/control\n`,
)
