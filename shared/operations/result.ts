import { Image } from '../image.ts'

/** The thing in NAVER Cloud that an operation makes, as it was last read. So far every kind makes an image. */
export const Result = Image

/** The thing in NAVER Cloud that an operation makes. */
export type Result = Image

/** Returns the number of a result. */
export function numberOf({ imageNo }: Result): string {
  return imageNo
}
