import { OK, refuse, type Verdict } from "../protocol/reject-codes.ts";
import type { Reference } from "./reference.ts";

const COPY_COSINE = 0.95; // without a reference only what is nearly the same is a copy

/**
 * Whether work whose largest cosine with others' on the same mask is `cosine` can be its own (protocol G20). Two people
 * who train apart are as alike as two of the relay's pieces; who is halfway from there to the same values has copied, or
 * colludes: lies that are made to pass as honest are made from one plan, and so are alike.
 */
export function validateLikeness(cosine: number, reference: Reference | null): Verdict {
  const expected = reference?.likeness ?? null;
  const most = expected === null ? COPY_COSINE : (1 + Math.max(0, expected)) / 2;
  return cosine <= most ? OK : refuse("copied", "its values are too much like other people's");
}
