const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/** The name of the root element, after white space, a byte order mark and an XML declaration. */
const ROOT = /^\s*(?:<\?xml[^>]{0,200}\?>\s*)?<([A-Za-z][\w.-]{0,100})[\s/>]/

/**
 * Finds root, code and message of an XML answer by a scan in linear time; the relay needs nothing else from XML. Returns
 * `undefined` for any other text, also for HTML and DOCTYPEs.
 */
export function scanXml(text: string) {
  const root = ROOT.exec(text)?.[1]
  if (!root || root === 'html') return undefined
  return {
    root,
    code: firstText(text, ['returnCode', 'errorCode', 'code']),
    message: firstText(text, ['returnMessage', 'message']),
  }
}

function firstText(xml: string, tags: string[]): string | undefined {
  for (const tag of tags) {
    const start = xml.indexOf(`<${tag}>`)
    const end = start < 0 ? -1 : xml.indexOf('<', start + 1)
    if (end >= 0) return unescaped(xml.slice(start + tag.length + 2, end))
  }
  return undefined
}

function unescaped(text: string): string {
  return text.replace(/&(lt|gt|amp|quot|apos);/g, (whole, name: string) => ENTITIES[name] ?? whole)
}
