import createClient from 'openapi-fetch'
import type { paths } from './generated/schema.d.ts'

/** Asks a relay by the client that is generated from its OpenAPI document, as a caller would. */
export async function useClient(options: {
  baseUrl: string
  key: string
  fetch(request: Request): Promise<Response>
}) {
  const { baseUrl, key, fetch } = options
  // Answers in JSON; those in plain text are for people.
  const client = createClient<paths, `application/${string}`>({
    baseUrl,
    headers: { 'X-API-Key': key },
    fetch,
  })

  const { data: image } = await client.GET('/v1/images/{no}', {
    params: { path: { no: '12341457' } },
  })
  const { data: images } = await client.GET('/v1/images', { params: { query: { limit: '1' } } })
  const { data: started } = await client.POST('/v1/server-images', {
    params: { header: { Prefer: 'wait=10', 'Idempotency-Key': 'by-client' } },
    body: { name: 'by-client', storages: [{ snapshotNo: '12344697' }] },
  })
  const operationId = started && 'operationId' in started ? started.operationId : ''
  const { data: operation } = await client.GET('/v1/operations/{id}', {
    params: { path: { id: operationId } },
  })
  const { error } = await client.GET('/v1/operations/{id}', { params: { path: { id: 'op_1' } } })

  // What the document does not have, the compiler refuses.
  // @ts-expect-error There is no such route.
  const unknown = () => client.GET('/v1/nothing')
  // @ts-expect-error The body needs storages.
  const incomplete = () => client.POST('/v1/server-images', { body: { name: 'by-client' } })

  return {
    phase: image?.phase,
    images: images?.items.length,
    status: operation?.status,
    imageName: operation?.image?.name,
    code: error?.code,
    refused: [unknown, incomplete],
  }
}
