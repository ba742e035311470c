/** Returns what an operation that makes an image holds: the name of the image in its region. */
export function imageNameHold(regionCode: string, name: string): string {
  return `image name ${regionCode} ${name}`
}
