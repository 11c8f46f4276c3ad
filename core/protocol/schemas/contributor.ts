import * as z from "zod/mini";
import { MAX_NAME_UNITS } from "../contributor-name.ts";
import {
  count,
  longText,
  modelId,
  positive,
  publicKey,
  reasonText,
  shortText,
  timeMs,
} from "./primitives.ts";

/** Chooses a name, or takes it back with null; signed by the contributor (protocol H42). */
export const nameRequest = z.strictObject({
  contributor: publicKey,
  name: z.nullable(z.string().check(z.maxLength(MAX_NAME_UNITS))),
  /** Later than that of the last one, so that none can be sent again. */
  issuedAt: timeMs,
});
export type NameRequest = z.infer<typeof nameRequest>;

/** Takes a name off every page, or lets its contributor choose one again. */
export const blankRequest = z.strictObject({
  contributor: publicKey,
  /** For everyone to read. */
  reason: reasonText,
});
export type BlankRequest = z.infer<typeof blankRequest>;

export const namedContributor = z.object({
  contributor: publicKey,
  /** Null where none was chosen, and where a maintainer blanked it. */
  name: z.nullable(shortText),
  /** Why a maintainer blanked the name; null where it is not blanked. */
  blanked: z.nullable(longText),
});
export type NamedContributor = z.infer<typeof namedContributor>;

/** What somebody has done for a model (protocol H43). */
export const contributorCard = z.object({
  ...namedContributor.shape,
  model: modelId,
  credit: z.number(),
  /** Contributions in the model. */
  merged: count,
  /** Held-out examples on which they judged others' work as a juror (protocol J8). */
  judgedExamples: count,
  /** Place by credit, from 1; null before the first merge. */
  rank: z.nullable(positive),
  /** Contributors that have a place. */
  of: count,
  /** Who has the place above; null for the first, and for those without a place. */
  above: z.nullable(
    z.object({ contributor: publicKey, name: z.nullable(shortText), credit: z.number() }),
  ),
  firstMergedAt: z.nullable(timeMs),
  lastMergedAt: z.nullable(timeMs),
  /** Versions with work of theirs, newest first, at most 100. */
  versions: z.array(z.object({ number: count, merged: positive, credit: z.number() })),
  /** Days (UTC) with merged work, the first one first: the last 366 of them. */
  days: z.array(z.object({ day: timeMs, merged: positive, credit: z.number() })),
});
export type ContributorCard = z.infer<typeof contributorCard>;
