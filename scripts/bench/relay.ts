const KEY = 'nir_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcd29Yx0s'
const SHA256 = '8b32aa232b5625653414fdac1617f3382ed68546b2612c750a9dd444b4a71761'

/** The read that is measured. */
export const read = {
  path: '/v1/member-server-images/12342264',
  headers: { 'x-api-key': KEY },
}

/** The key pair to sign with, as settings. */
export const pair = { NCLOUD_ACCESS_KEY: 'TestAccessKey', NCLOUD_SECRET_KEY: 'TestSecretKey' }

/** Returns the settings of a relay in front of a gateway, without the key pair. */
export function settingsFor(gateway: string) {
  const keys = [{ id: 'bench', sha256: SHA256, scopes: ['images:read'] }]
  return { NCLOUD_API_GW: gateway, RELAY_KEYS: JSON.stringify(keys) }
}
