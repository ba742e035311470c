import type { Incoming, Outgoing, Transport } from '../../shared/web/transport.ts'
import type { Manners } from './manners.ts'
import { oddRow, otherRow, withRepeatedRow } from './odd-rows.ts'
import type { Random } from './random.ts'
import type { Process, VirtualTime } from './virtual-time.ts'

const SECOND = 1_000
/** The documented window of timestamps. */
const WINDOW_MS = 300 * SECOND
/** The maximum time from a create's arrival until lists show its image. The relay's horizon allows for it. */
const SHOWS_WITHIN_MS = 299 * SECOND
const OUTAGE_MS = 7_200 * SECOND

/** An image and its origin. */
export interface MadeImage {
  no: string
  name: string
  /** The description as it was sent. */
  description: string | undefined
  /** The description as answers show it. */
  shownDescription: string | undefined
  snapshotNo: string
  makingFails: boolean
  madeAt: number
  shownAt: number
  finalAt: number
  /** The timestamp of the create's signature, as it was sent. A foreign image has none. */
  timestamp?: string
}

/** A possible NAVER Cloud, in virtual time. */
export interface HostileGateway {
  images: MadeImage[]
  /** The number of arrivals of each create, by marker and timestamp. */
  arrivals: Map<string, number>
  /** Returns the number of reads that arrived more than a second late. */
  lateReads(): number
  /** Returns the transport of one process. */
  transport(process: Process): Transport
  /** Adds an image that somebody else made, or that the relay made and forgot. */
  makeOther(image: Pick<MadeImage, 'name' | 'description' | 'snapshotNo'>): void
}

/** Opens a gateway. */
export function hostileGateway(
  time: VirtualTime,
  random: Random,
  manners: Manners,
): HostileGateway {
  const late = new DOMException('Late', 'TimeoutError')
  const images: MadeImage[] = []
  const arrivals = new Map<string, number>()
  let nos = 30_000_000
  let lateReads = 0

  function transport(process: Process): Transport {
    return (request, timeoutMs) =>
      process.wait<Incoming>((ends) => {
        time.after(timeoutMs, () => ends.failing(late))
        const isSlow = request.method === 'GET' && random.chance(manners.slowReads)
        const slowMs = isSlow ? random.between(5 * SECOND, 9 * SECOND) : 0
        const answer = (incoming: Incoming) =>
          time.after(slowMs + random.between(1, 400), () => ends.with(incoming))
        const lose = () => {
          // A runtime sends a GET again when its connection breaks.
          if (request.method === 'GET') time.after(100, () => handle(request, answer, () => {}))
          else time.after(random.between(0, 2_000), () => ends.failing(new TypeError('Reset')))
        }
        const delayMs = delay()
        if (request.method === 'GET' && delayMs > SECOND) lateReads++
        time.after(delayMs, () => handle(request, answer, lose))
      })
  }

  function delay(): number {
    return random.chance(manners.slowPackets)
      ? random.between(0, 290 * SECOND)
      : random.between(1, 300)
  }

  function handle(request: Outgoing, answer: (incoming: Incoming) => void, lose: () => void) {
    const action = request.url.pathname.split('/').at(-1)
    const parameters = new URLSearchParams(request.body ?? request.url.search)
    const timestamp = request.headers['x-ncp-apigw-timestamp'] ?? ''
    if (action === 'createServerImageFromSnapshot') {
      const key = `${markOf(parameters.get('serverImageDescription') ?? '')}@${timestamp}`
      arrivals.set(key, (arrivals.get(key) ?? 0) + 1)
    }
    if (Math.abs(time.now() - Number(timestamp)) > WINDOW_MS)
      return answer(gatewayError(401, '200'))
    if (action === 'createServerImageFromSnapshot') create(parameters, timestamp, answer, lose)
    else if (isOutage()) answer(gatewayError(401, '210'))
    else if (random.chance(manners.failingReads)) failRead(answer, lose)
    else if (action === 'getServerImageList') answer(list(parameters))
    else answer(detail(parameters.get('serverImageNo') ?? ''))
  }

  function isOutage(): boolean {
    const { outageAt = Number.POSITIVE_INFINITY } = manners
    return time.now() >= outageAt && time.now() < outageAt + OUTAGE_MS
  }

  function failRead(answer: (incoming: Incoming) => void, lose: () => void) {
    const kind = random.weighted({ lost: 1, failed: 1, throttled: 1, unreadable: 1 })
    if (kind === 'lost') lose()
    if (kind === 'failed') answer(responseError(500, '900'))
    if (kind === 'throttled') answer(gatewayError(429, '400'))
    if (kind === 'unreadable') answer(text(200, '<html></html>'))
  }

  function create(
    parameters: URLSearchParams,
    timestamp: string,
    answer: (incoming: Incoming) => void,
    lose: () => void,
  ) {
    const name = parameters.get('serverImageName') ?? ''
    if (manners.namesAreUnique && images.some((image) => image.name === name && !isLost(image))) {
      return answer(responseError(400, '1104012'))
    }
    const arrivedAt = time.now()
    const make = () => {
      const shownAt = time.now() + random.between(0, manners.lagMs)
      return made({
        name,
        description: parameters.get('serverImageDescription') ?? undefined,
        snapshotNo: parameters.get('blockStorageList.1.snapshotInstanceNo') ?? '',
        shownAt: Math.min(shownAt, arrivedAt + SHOWS_WITHIN_MS),
        timestamp,
      })
    }
    const queued = random.between(5, 4_000)
    switch (random.weighted(manners.creates)) {
      case 'made':
        return time.after(queued, () => {
          const image = make()
          time.after(random.between(0, 12_000), () => answer(rows('createServer', [image])))
        })
      case 'made, answer lost':
        return time.after(queued, () => {
          make()
          lose()
        })
      case 'made, answer unreadable':
        return time.after(queued, () => {
          make()
          answer(text(200, '{"createServerImageFromSnapshotResponse":{"requestId":'))
        })
      case 'made after an error was answered':
        answer(responseError(503, '500'))
        return time.after(random.between(0, 250 * SECOND), () => void make())
      case 'lost on the way':
        return lose()
      case 'failed':
        return answer(responseError(500, '900'))
      case 'throttled':
        return answer(gatewayError(429, '410'))
      case 'refused':
        return answer(responseError(400, '1104001'))
      case 'refused for now':
        return answer(responseError(400, '25013'))
      case 'refused for the key pair':
        return answer(gatewayError(401, '200'))
    }
  }

  function made(
    image: Omit<MadeImage, 'no' | 'makingFails' | 'madeAt' | 'finalAt' | 'shownDescription'>,
  ): MadeImage {
    const one = {
      ...image,
      no: String(++nos),
      shownDescription: shown(image.description),
      makingFails: random.chance(manners.failingImages),
      madeAt: time.now(),
      finalAt: time.now() + random.between(60, 900) * SECOND,
    }
    images.push(one)
    return one
  }

  function shown(description: string | undefined): string | undefined {
    if (random.chance(manners.editedDescriptions)) return `${description} edited`
    return random.chance(manners.wipedDescriptions) ? 'edited' : description
  }

  function isLost({ makingFails, finalAt }: MadeImage): boolean {
    return makingFails && time.now() >= finalAt
  }

  /** Lists images, filtered by substring. Ignores the filter by type. */
  function list(parameters: URLSearchParams): Incoming {
    const name = parameters.get('serverImageName') ?? ''
    const shown = images.filter((image) => image.shownAt <= time.now() && image.name.includes(name))
    const moved = random.chance(manners.movingRows) ? random.weighted({ '-1': 1, 1: 1 }) : 0
    const count = Math.max(0, manners.similarNames + Number(moved))
    const similar = Array.from({ length: count }, (_, index) =>
      row({ name: `${name}-${index}`, no: String(1_000 + index) }, 'SELF'),
    )
    const provided = row({ name, no: '1' }, 'NCP')
    const rows = [...similar, provided, ...shown.map((image) => row(image, 'SELF'))]
    const all = random.chance(manners.repeatedRows) ? withRepeatedRow(rows) : rows
    const size = Number(parameters.get('pageSize'))
    const from = (Number(parameters.get('pageNo')) - 1) * size
    return json(200, {
      getServerImageListResponse: {
        totalRows: all.length,
        serverImageList: all.slice(from, from + size),
        requestId: 'simulated',
        returnCode: '0',
      },
    })
  }

  function detail(no: string): Incoming {
    if (random.chance(manners.refusedDetails)) return responseError(400, '9900009')
    const found = images.find((image) => image.no === no && image.shownAt <= time.now())
    return found ? rows('getServerImageDetail', [found]) : responseError(404, '1104037')
  }

  function rows(action: string, found: MadeImage[]): Incoming {
    const isCreate = action === 'createServer'
    const serverImageList = found.map((image) => {
      const truth = row(image, 'SELF')
      return random.chance(manners.otherRows) ? otherRow(truth, random, { isCreate }) : truth
    })
    return json(200, {
      [`${action}Response`]: { totalRows: found.length, serverImageList, requestId: 'simulated' },
    })
  }

  function row(image: Partial<MadeImage> & { no: string; name: string }, type: string) {
    const { no, name, shownDescription, snapshotNo, madeAt = 0, finalAt = 0, makingFails } = image
    const isMaking = time.now() < finalAt
    const truth = {
      serverImageNo: no,
      serverImageName: name,
      ...(manners.hasDescriptions && { serverImageDescription: shownDescription }),
      serverImageType: { code: type },
      serverImageStatus: { code: isMaking ? 'INIT' : makingFails ? 'CREFL' : 'CREAT' },
      serverImageOperation: { code: isMaking ? 'CREAT' : 'NULL' },
      createDate: new Date(madeAt).toISOString().replace(/\..*/, '+0000'),
      ...(snapshotNo && {
        blockStorageMappingList: [{ order: 0, blockStorageSnapshotInstanceNo: snapshotNo }],
      }),
    }
    return random.chance(manners.oddRows) ? oddRow(truth, random) : truth
  }

  function gatewayError(status: number, errorCode: string): Incoming {
    return json(status, { error: { errorCode, message: 'Simulated', details: '' } })
  }

  function responseError(status: number, returnCode: string): Incoming {
    return json(status, { responseError: { returnCode, returnMessage: 'Simulated' } })
  }

  function json(status: number, body: unknown): Incoming {
    return text(status, JSON.stringify(body))
  }

  function text(status: number, body: string): Incoming {
    const date = new Date(time.now()).toUTCString()
    const get = (name: string) => (name === 'date' && manners.hasDate ? date : null)
    return { status, headers: { get }, body: new TextEncoder().encode(body) }
  }

  return {
    images,
    arrivals,
    lateReads: () => lateReads,
    transport,
    makeOther: (image) => {
      const now = time.now()
      const shownDescription = image.description
      images.push({ ...image, ...ready(now), shownDescription, no: String(++nos) })
    },
  }
}

function ready(now: number) {
  return { makingFails: false, madeAt: now, shownAt: now, finalAt: now }
}

/** Returns the relay's marker in a description. */
export function markOf(description: string): string {
  return /\[relay:([0-9a-f]{16})\]$/.exec(description)?.[1] ?? ''
}
