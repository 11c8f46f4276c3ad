import { NOBODY, SOMEBODY_ELSE } from "../../core/history/cloth.ts";
import type { Cloth } from "../../core/protocol/schemas/cloth.ts";

const LEVELS = 15;
const HUES = 360;

/** A contributor's colour, drawn from the key: the same on every device. */
export function colourOf(contributor: string): string {
  return `oklch(66% 0.14 ${Number.parseInt(contributor.slice(0, 6), 16) % HUES})`;
}

/** A dot that somebody touched: the share of its parameters, above 0 to 1, and by whom; null is one who is not named. */
export type TouchedDot = {
  readonly dot: number;
  readonly share: number;
  readonly contributor: string | null;
};

/** The touched dots of a picture, in its order. */
export function touchedDots({ touched, most, contributors }: Cloth): TouchedDot[] {
  return sharesOf(touched).flatMap((share, dot) => {
    const index = Number.parseInt(most.slice(2 * dot, 2 * dot + 2), 16);
    if (share === 0 || index === NOBODY) return [];
    const contributor = index === SOMEBODY_ELSE ? null : (contributors[index] ?? null);
    return [{ dot, share, contributor }];
  });
}

/** Shares 0…1 by dot, of levels as `Cloth.touched` has them. */
export function sharesOf(levels: string): number[] {
  return Array.from(levels, (digit) => Number.parseInt(digit, 16) / LEVELS);
}

/** The share of a whole picture that is touched. */
export function wholeShare(levels: string): number {
  const shares = sharesOf(levels);
  return shares.reduce((total, share) => total + share, 0) / Math.max(shares.length, 1);
}
