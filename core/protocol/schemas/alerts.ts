import * as z from "zod/mini";
import { hash, longText, modelId, reasonText, timeMs } from "./primitives.ts";

/** What a maintainer is told of without looking (protocol H48). */
export const ALERT_KINDS = [
  "no-merge",
  "refusals",
  "drift",
  "flips",
  "backlog",
  "disk",
  "network",
] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

const between = (least: number, most: number) =>
  z.nullable(z.number().check(z.minimum(least), z.maximum(most)));

/** From where on each is told; null is never. */
export const alertLimits = z.strictObject({
  /** Times the usual time between two versions, without a merge while work waits. */
  "no-merge": between(1, 1000),
  /** Standard errors by which more is refused than usual. */
  refusals: between(2, 100),
  /** Standard errors by which the head lies behind the best version or the release. */
  drift: between(2, 100),
  /** Share of the flip budget that the newest candidate used. */
  flips: between(0, 1),
  /** Seconds of judging that wait. */
  backlog: between(1, 1e6),
  /** Share of the disk that is used. */
  disk: between(0, 1),
  /** Share of the work under way that one network holds. */
  network: between(0, 1),
});
export type AlertLimits = z.infer<typeof alertLimits>;

export const alertRequest = z.strictObject({ limits: alertLimits, reason: reasonText });
export type AlertRequest = z.infer<typeof alertRequest>;

export const alert = z.object({
  kind: z.enum(ALERT_KINDS),
  /** Null where it is the relay's own. */
  model: z.nullable(modelId),
  /** `reason`, `device` or `build` and its name, where the alert is of one; else empty. With kind and model it tells one alert from all others. */
  about: longText,
  /** Since when the relay has found it so. */
  since: timeMs,
  /** In plain words, as a sentence. */
  why: longText,
  /** The newest contributions behind it, at most 5. */
  contributions: z.array(hash),
});
export type Alert = z.infer<typeof alert>;

export const alertList = z.object({ limits: alertLimits, alerts: z.array(alert) });
export type AlertList = z.infer<typeof alertList>;
