/** NAVER Cloud's sites: gateway, web console and default region of each. Source: the API overview of each site. */
export const SITES = {
  public: {
    origin: 'https://ncloud.apigw.ntruss.com',
    console: 'https://console.ncloud.com/',
    regionCode: 'KR',
  },
  gov: {
    origin: 'https://ncloud.apigw.gov-ntruss.com',
    console: 'https://console.gov-ncloud.com/',
    regionCode: 'KR',
  },
  fin: {
    origin: 'https://fin-ncloud.apigw.fin-ntruss.com',
    console: 'https://console.fin-ncloud.com/',
    regionCode: 'FKR',
  },
} as const

/** A site of NAVER Cloud, with accounts and a gateway of its own. */
export type Site = keyof typeof SITES
