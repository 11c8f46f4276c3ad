import type { RevertPreview } from "../../core/protocol/schemas/caught.ts";

/** What a model would be without a contributor's merged work, in plain words; null while the relay has not looked. */
export function previewWords(preview: RevertPreview | null): string {
  if (preview === null) return "The relay has not looked yet.";
  const { riseNats, objection } = preview;
  const change = riseNats === null ? "" : ` ${lossWords(riseNats)}`;
  if (objection === null) return `Would pass the test.${change}`;
  return `Would not pass: ${objection}.${change}`;
}

function lossWords(riseNats: number): string {
  if (Math.abs(riseNats) < 0.00005) return "Its loss would stay as it is.";
  const size = Math.abs(riseNats).toFixed(4);
  return `Its loss would ${riseNats > 0 ? "rise" : "fall"} by ${size} nats.`;
}
