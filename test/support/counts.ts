/** True in the campaigns of CI, which run large counts in full. */
export const isCampaign = process.env.COUNTS === 'full'

/** Returns a large count in the campaigns, and a tenth of it in `npm test`. */
export function scaled(count: number): number {
  return isCampaign ? count : count / 10
}

/** Returns all items in the campaigns, and in `npm test` one of ten parts; without a part all items. */
export function sampled<Item>(items: Item[], part: number | undefined): Item[] {
  return isCampaign || part === undefined ? items : items.filter((_, i) => i % 10 === part)
}
