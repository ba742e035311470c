/** A text in one line, without what could steer a terminal, turn the direction of writing, or not be seen at all. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
}
