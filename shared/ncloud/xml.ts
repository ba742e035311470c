const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/** A root element's name behind white space, a byte order mark and an XML declaration. */
const ROOT = /^\s*(?:<\?xml[^>]{0,200}\?>\s*)?<([A-Za-z][\w.-]{0,100})[\s/>]/

/**
 * The root and the code and message of an XML answer, found by a scan whose time is linear in its length:
 * all that the relay wants of XML is what went wrong. `undefined` for anything else, HTML and DOCTYPEs too.
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
