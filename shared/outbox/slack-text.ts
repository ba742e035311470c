const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

/** Escapes a text for Slack. Source: https://docs.slack.dev/messaging/formatting-message-text/ */
export function escapeForSlack(text: string): string {
  return text.replace(/[&<>]/g, (character) => ESCAPES[character] ?? character)
}

/** Escapes a text for Slack and cuts it to a maximum length, never inside an escape or a character. */
export function fitForSlack(text: string, maxLength: number): string {
  let fitted = ''
  for (const character of text) {
    const escaped = escapeForSlack(character)
    if (fitted.length + escaped.length >= maxLength) return `${fitted}…`
    fitted += escaped
  }
  return fitted
}
