/** Preloaded, it sets a process's clock ahead by `CLOCK_AHEAD_MS`. */
const { now } = Date
const ahead = Number(process.env.CLOCK_AHEAD_MS)
Date.now = () => now() + ahead
