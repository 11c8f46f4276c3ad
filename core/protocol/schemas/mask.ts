import * as z from "zod/mini";
import { MAX_PARAMETERS } from "../../tensors/layout.ts";
import { hash } from "./primitives.ts";

const entries = z.int().check(z.minimum(1), z.maximum(MAX_PARAMETERS));

/** `count` positions that every party derives from `seed` (protocol M1). */
const randomMask = z.strictObject({
  kind: z.literal("random"),
  /** 16 bytes in hexadecimal. */
  seed: z.string().check(z.regex(/^[0-9a-f]{32}$/)),
  count: entries,
});
/** Positions chosen by floating point on the relay, therefore published as bytes. */
const sharedMask = z.strictObject({
  kind: z.literal("shared"),
  /** SHA-256 of the positions file. */
  positions: hash,
  count: entries,
});
/** The contributor's own positions, at most `count` of them, in the patch. */
const ownMask = z.strictObject({ kind: z.literal("own"), count: entries });

/** Which parameters a ticket may change. */
export const mask = z.discriminatedUnion("kind", [randomMask, sharedMask, ownMask]);

export type Mask = z.infer<typeof mask>;
export type RandomMask = z.infer<typeof randomMask>;
