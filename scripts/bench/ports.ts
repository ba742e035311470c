/** Where the upstream of the read path listens; what is measured against it listens on those that follow. */
export const UPSTREAM_PORT = 9931
