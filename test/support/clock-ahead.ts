/** Sets a process's clock ahead by `CLOCK_AHEAD_MS` when it is preloaded. */
const { now } = Date
const ahead = Number(process.env.CLOCK_AHEAD_MS)
Date.now = () => now() + ahead
