const BOLD = 0.9; // as the gate's bets

type Bounds = { readonly clipNats: number; readonly alpha: number };

/** How many examples show that a version which changes nothing is worse by less than `marginNats`. */
export function examplesNeeded(marginNats: number, { clipNats, alpha }: Bounds): number {
  return Math.ceil((Math.log(2 / alpha) * (clipNats - marginNats)) / (BOLD * marginNats));
}

/** The least margin, in thousandths of a nat, that `examples` can show. */
export function leastMargin(examples: number, { clipNats, alpha }: Bounds): number {
  const margin = (clipNats * Math.log(2 / alpha)) / (BOLD * examples);
  return Number((Math.ceil(margin * 1000) / 1000).toPrecision(3));
}
