/** The port of the upstream of the read path. The measured servers use the ports after it. */
export const UPSTREAM_PORT = 9931
