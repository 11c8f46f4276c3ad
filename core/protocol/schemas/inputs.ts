import * as z from "zod/mini";
import { positive, shortText } from "./primitives.ts";

const MAX_COLUMNS = 1024; // every visitor loads their names with the recipe
const MAX_CHOICES = 32; // one input each

const column = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("number"),
    name: shortText,
    /** The values that become 0 and 1; what lies outside counts as the nearer one. */
    least: z.number(),
    most: z.number(),
  }),
  z.strictObject({
    kind: z.literal("choice"),
    name: shortText,
    /** One input each, 1 where it is the value. */
    choices: z.array(shortText).check(z.minLength(1), z.maxLength(MAX_CHOICES)),
  }),
]);
export type Column = z.infer<typeof column>;

/** What a person gives a classifier, and how that becomes the bytes of an example. */
export const inputs = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("image"),
    width: positive,
    height: positive,
    /** Grey, or red, green and blue, the three of a pixel together. */
    channels: z.union([z.literal(1), z.literal(3)]),
  }),
  z.strictObject({
    kind: z.literal("table"),
    columns: z.array(column).check(z.minLength(1), z.maxLength(MAX_COLUMNS)),
  }),
  /** A text as how often each of its words and pairs of words occurs, by their hash. */
  z.strictObject({ kind: z.literal("words"), buckets: positive }),
]);
export type Inputs = z.infer<typeof inputs>;

/** Numbers that a network gets of one example. */
export function inputLength(given: Inputs): number {
  switch (given.kind) {
    case "image":
      return given.width * given.height * given.channels;
    case "table":
      return given.columns.reduce((sum, each) => sum + columnLength(each), 0);
    case "words":
      return given.buckets;
  }
}

export function columnLength(given: Column): number {
  return given.kind === "number" ? 1 : given.choices.length;
}
