/** The gateway's behaviour in one schedule. Some schedules have the worst that no document rules out. */
export interface Manners {
  /** True if two images cannot have the same name. */
  namesAreUnique: boolean
  /** True if answers have a `Date`. */
  hasDate: boolean
  /** True if rows have descriptions, which contain the relay's marker. */
  hasDescriptions: boolean
  /** The maximum time between an image's operation and its row in lists. */
  lagMs: number
  /** The probability that a packet is delayed, by up to 290 s. */
  slowPackets: number
  /** The probability that a read fails. */
  failingReads: number
  /** The weight of each fate of a create. */
  creates: Partial<Record<Fate, number>>
  /** The number of images with longer names, which a filter by substring lists too. */
  similarNames: number
  /** The probability that a list has one row more or less than before, so that rows move between pages. */
  movingRows: number
  /** The probability that the making of an image fails. */
  failingImages: number
  /** The probability that an answer about one image has the row of another one. */
  otherRows: number
  /** The probability that a row has fields of other types, where they decide nothing. */
  oddRows: number
  /** The probability that lists show a description with a word after it, and that they show one without the marker. */
  editedDescriptions: number
  wipedDescriptions: number
  /** The probability that a list repeats one of its rows in place of another. */
  repeatedRows: number
  /** The probability that an answer to a read takes 5 to 9 s. */
  slowReads: number
  /** The probability that a detail call is refused with a code that has no meaning to the relay. */
  refusedDetails: number
  /** The time from which all look-ups are refused for two hours. */
  outageAt?: number | undefined
}

/** A gateway without faults. */
export const GOOD_MANNERS: Manners = {
  namesAreUnique: false,
  hasDate: true,
  hasDescriptions: true,
  lagMs: 0,
  slowPackets: 0,
  failingReads: 0,
  creates: { made: 1 },
  similarNames: 0,
  movingRows: 0,
  failingImages: 0,
  otherRows: 0,
  oddRows: 0,
  editedDescriptions: 0,
  wipedDescriptions: 0,
  repeatedRows: 0,
  slowReads: 0,
  refusedDetails: 0,
}

/** The possible outcomes of a create that arrives with a valid signature. */
export type Fate =
  | 'made'
  | 'made, answer lost'
  | 'made, answer unreadable'
  | 'made after an error was answered'
  | 'lost on the way'
  | 'failed'
  | 'throttled'
  | 'refused'
  | 'refused for now'
  | 'refused for the key pair'
