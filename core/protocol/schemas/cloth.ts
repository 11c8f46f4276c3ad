import * as z from "zod/mini";
import { positive, publicKey } from "./primitives.ts";

/** The picture of what a version's contributions touched (protocol H38): 1,152 dots in the order of the weights. */
export const cloth = z.object({
  /** Of the model; a dot stands for the 1,152nd part of them. */
  weights: positive,
  /** A hexadecimal digit a dot: fifteenths of its weights that were touched, rounded up. */
  touched: z.string().check(z.regex(/^[0-9a-f]{1152}$/)),
  /** Two hexadecimal digits a dot: whose contribution touched most of it, an index of `contributors`; fe is another one, ff nobody. */
  most: z.string().check(z.regex(/^[0-9a-f]{2304}$/)),
  /** Those who touched most first. */
  contributors: z.array(publicKey).check(z.maxLength(254)),
});
export type Cloth = z.infer<typeof cloth>;
