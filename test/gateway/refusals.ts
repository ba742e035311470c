/** A JSON object to send. A key with the value `undefined` is absent in JSON and empty in XML. */
export type Document = Record<string, unknown>

/** The reply to a request, before it is formatted. */
export interface Reply {
  status: number
  code: string
  document: Document
}

/** The errors of the API gateway: https://api.ncloud-docs.com/docs/en/common-ncpapi */
export const gatewayErrors = {
  badRequest: { status: 400, errorCode: '100', message: 'Bad Request Exception' },
  authenticationFailed: { status: 401, errorCode: '200', message: 'Authentication Failed' },
  permissionDenied: { status: 401, errorCode: '210', message: 'Permission Denied' },
  forbidden: { status: 403, errorCode: '230', message: 'Forbidden' },
  notFound: { status: 404, errorCode: '300', message: 'Not Found Exception' },
  quotaExceeded: { status: 429, errorCode: '400', message: 'Quota Exceeded' },
  throttled: { status: 429, errorCode: '410', message: 'Throttle Limited' },
  rateLimited: { status: 429, errorCode: '420', message: 'Rate Limited' },
  tooLarge: { status: 413, errorCode: '430', message: 'Request Entity Too Large' },
  endpointError: { status: 503, errorCode: '500', message: 'Endpoint Error' },
  endpointTimeout: { status: 504, errorCode: '510', message: 'Endpoint Timeout' },
  unexpected: { status: 500, errorCode: '900', message: 'Unexpected Error' },
}

/** The errors of the Server API behind the gateway. */
export const responseErrors = {
  // These codes were seen in public.
  authority: { status: 400, returnCode: '800', says: 'Authority parameter error.' },
  tryLater: { status: 500, returnCode: '1000', says: 'Please try your call again later.' },
  noSuchProduct: {
    status: 400,
    returnCode: '1401',
    says: 'Not found server product. Please check the product code, region, and zone.',
  },
  noSuchImage: {
    status: 400,
    returnCode: '1104037',
    says: 'The server image could not be found.',
  },
  inOperation: { status: 400, returnCode: '25013', says: 'The object is in operation.' },
  // These codes are invented: NCP's codes for these cases are not public.
  parameter: { status: 400, returnCode: '1300', says: 'The parameter is not valid.' },
  noSuchSnapshot: { status: 400, returnCode: '9900001', says: 'The snapshot could not be found.' },
  notKvm: { status: 400, returnCode: '9900002', says: 'The snapshot is not KVM-based.' },
  notUsable: { status: 400, returnCode: '9900003', says: 'The snapshot is not usable yet.' },
  notBootable: { status: 400, returnCode: '9900004', says: 'The snapshot is not bootable.' },
  tooSmall: {
    status: 400,
    returnCode: '9900005',
    says: 'The blockStorageSize is smaller than the snapshot.',
  },
  duplicateName: {
    status: 400,
    returnCode: '9900006',
    says: 'The server image name already exists.',
  },
}

/** Returns one of the gateway's own errors. */
export function gatewayError(name: keyof typeof gatewayErrors, details = ''): Reply {
  const { status, errorCode, message } = gatewayErrors[name]
  return { status, code: errorCode, document: { error: { errorCode, message, details } } }
}

/** Returns one of the Server API's errors. `message` replaces its own message. */
export function responseError(name: keyof typeof responseErrors, message?: string): Reply {
  const { status, returnCode, says } = responseErrors[name]
  const document = { responseError: { returnCode, returnMessage: message ?? says } }
  return { status, code: returnCode, document }
}

/** The error for an unacceptable request. Carries the reply to the caller. */
export class Refusal extends Error {
  reply: Reply

  constructor(reply: Reply) {
    super(`${reply.status}/${reply.code}`)
    this.name = 'Refusal'
    this.reply = reply
  }
}
