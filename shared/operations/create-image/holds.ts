/** Returns the name of an image in its region, as an operation that makes the image holds it. */
export function imageName(regionCode: string, name: string): string {
  return `image name ${regionCode} ${name}`
}
