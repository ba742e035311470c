import type { Context } from '../../context.ts'
import type { Image } from '../../image.ts'
import { ownImages } from '../../ncloud/reads.ts'
import type { Findings, Relation } from '../findings.ts'
import type { OperationOf } from '../kind.ts'
import type { CreateImageInput } from './content.ts'

/** The order of findings: those that are closest to the operation come first. */
const RELATIONS: Relation[] = ['own', 'contradicting', 'undescribed', 'other']

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
    .map(({ image, marker: seen }) => {
      return { thing: image, relation: relationOf(image, seen, { input, marker }) }
    })
  const rank = ({ relation }: { relation: Relation }) => RELATIONS.indexOf(relation)
  return { found: found.sort((one, other) => rank(one) - rank(other)), gatewayTime }
}

function relationOf(
  image: Image,
  seen: string | null,
  { input, marker }: Pick<OperationOf<CreateImageInput>, 'input' | 'marker'>,
): Relation {
  if (seen === marker) return isOf(input, image) ? 'own' : 'contradicting'
  return seen === null && image.description === null ? 'undescribed' : 'other'
}

/**
 * True if an image has the requested storages, or its storages are unknown. Descriptions are not compared, because NAVER
 * Cloud does not document that it keeps them unchanged.
 */
function isOf({ storages }: CreateImageInput, image: Image): boolean {
  if (!image.storages?.length) return true
  return (
    image.storages.length === storages.length &&
    image.storages.every(({ order, snapshotNo, sizeGb }) => {
      const wanted = storages[order]
      return (
        wanted !== undefined &&
        (snapshotNo ?? wanted.snapshotNo) === wanted.snapshotNo &&
        (sizeGb === null || wanted.sizeGb === undefined || sizeGb === wanted.sizeGb)
      )
    })
  )
}
