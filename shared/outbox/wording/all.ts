import { en } from './en.ts'
import { ja } from './ja.ts'
import { ko } from './ko.ts'
import type { Language } from './languages.ts'
import type { Wording } from './wording.ts'

/** The sentences of every language. */
export const WORDINGS: Record<Language, Wording> = { en, ko, ja }
