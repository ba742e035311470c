/** The languages that the relay writes to people in. */
export const LANGUAGES = ['en', 'ko', 'ja'] as const

/** A language that the relay writes to people in. */
export type Language = (typeof LANGUAGES)[number]
