import type { Context } from '../../context.ts'
import type { Image } from '../../image.ts'
import { ownImages } from '../../ncloud/reads.ts'
import type { Findings, Relation } from '../findings.ts'
import type { OperationOf } from '../kind.ts'
import type { CreateImageInput } from './content.ts'

/** The order of findings: those that are closest to the operation come first. */
const RELATIONS: Relation[] = ['own', 'contradicting', 'unmarked', 'other']

/**
 * Looks for the image of an operation by name and marker. Leaves out images that existed before the first attempt.
 * @throws Problem of the read
 */
export async function findImage(
  { input, name, marker, regionCode, existedBefore }: OperationOf<CreateImageInput>,
  context: Context,
): Promise<Findings> {
  const { rows, gatewayTime } = await ownImages(name, { regionCode }, context)
  const found = rows
    .filter(({ image }) => !existedBefore.includes(image.imageNo))
    .map(({ image, markers }) => {
      return { thing: image, relation: relationOf(image, markers, { input, marker }) }
    })
  const rank = ({ relation }: { relation: Relation }) => RELATIONS.indexOf(relation)
  return { found: found.sort((one, other) => rank(one) - rank(other)), gatewayTime }
}

function relationOf(
  image: Image,
  markers: string[],
  { input, marker }: Pick<OperationOf<CreateImageInput>, 'input' | 'marker'>,
): Relation {
  if (markers.includes(marker)) return isOf(input, image) ? 'own' : 'contradicting'
  return markers.length === 0 ? 'unmarked' : 'other'
}

/**
 * True unless the storages of an image contradict the requested ones, by their number or by a snapshot that was not requested.
 * Orders and sizes as listed prove nothing: NAVER Cloud does not document that it lists them as they were sent.
 */
function isOf({ storages }: CreateImageInput, image: Image): boolean {
  if (!image.storages?.length) return true
  if (image.storages.length !== storages.length) return false
  const requested = storages.map(({ snapshotNo }) => snapshotNo)
  return image.storages.every(({ snapshotNo }) => {
    if (snapshotNo === null) return true
    const at = requested.indexOf(snapshotNo)
    if (at >= 0) requested.splice(at, 1)
    return at >= 0
  })
}
