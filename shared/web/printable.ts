const MAX_WORD_CHARACTERS = 40

/** Replaces with a space each character that controls a terminal, changes the writing direction or is invisible. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
}

/** Returns at most 40 printable characters of a submitted word, for a message. */
export function shortWord(word: string): string {
  const characters = [...printable(word).toWellFormed()]
  const isLong = characters.length > MAX_WORD_CHARACTERS
  return characters.slice(0, MAX_WORD_CHARACTERS).join('') + (isLong ? '…' : '')
}

/** Quotes a submitted name in a message. */
export function quoteName(name: string): string {
  return `"${shortWord(name)}"`
}
