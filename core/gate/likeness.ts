import { OK, refuse, type Verdict } from "../protocol/reject-codes.ts";
import type { Reference } from "./reference.ts";

const COPY_COSINE = 0.95; // without a reference only what is nearly the same is a copy

/** The largest cosines of a contribution with earlier work on the same mask; −1 where there is none. */
export type Likeness = {
  /** Other people's. */
  readonly others: number;
  /** The contributor's own. */
  readonly own: number;
};

/** The likeness to earlier work of these cosines. */
export function likenessOf(
  contributor: string,
  earlier: Iterable<{ readonly contributor: string; readonly cosine: number }>,
): Likeness {
  const likeness = { others: -1, own: -1 };
  for (const other of earlier) {
    const whose = other.contributor === contributor ? "own" : "others";
    likeness[whose] = Math.max(likeness[whose], other.cosine);
  }
  return likeness;
}

/**
 * Whether work that is so like what came before it can be new (protocol G20). Two people who train apart are as alike as
 * two of the relay's pieces; who is halfway from there to the same values has copied, or colludes: lies that are
 * made to pass as honest are made from one plan, and so are alike. Who trains twice on the same data is alike too:
 * of one's own work only the same again is refused.
 */
export function validateLikeness({ others, own }: Likeness, reference: Reference | null): Verdict {
  const expected = reference?.likeness ?? null;
  const most = expected === null ? COPY_COSINE : (1 + Math.max(0, expected)) / 2;
  if (own > COPY_COSINE) return refuse("copied", "its values are those of earlier work");
  return others <= most ? OK : refuse("copied", "its values are too much like other people's");
}
