import type { Snapshot } from "../../worker/api.ts";
import { readStored, type SiteStorage, writeStored } from "./site-storage.ts";

/** Bytes of one day of this device, down and up. */
type DayBytes = { readonly day: string; readonly bytes: number };

const KEY = "commonweight-bytes";

/** Counts what the engine moves, day by day; `dayOf` names the day of a moment. */
export function createDataMeter(storage: SiteStorage, dayOf: (ms: number) => string) {
  let before = { down: 0, passedOn: 0, newest: null as string | null };
  let isFirst = true;
  let counted: DayBytes | null = null; // a blocked or full storage keeps nothing: this visit alone

  function read(nowMs: number): DayBytes {
    const day = dayOf(nowMs);
    const known = [counted, readStored(storage, KEY)].filter(isDayBytes);
    const today = known.filter((each) => each.day === day);
    return { day, bytes: Math.max(0, ...today.map((each) => each.bytes)) };
  }

  return {
    bytes: (nowMs: number): number => read(nowMs).bytes,
    /** What `snapshot` says beyond the one before it; pieces from before the first one are not counted again. */
    note({ download, swarm, pieces }: Snapshot, nowMs: number): void {
      const down = download.doneBytes;
      const passedOn = swarm?.toPeersBytes ?? 0;
      const newest = pieces[0]?.id ?? null;
      const isNew = newest !== null && newest !== before.newest && !isFirst;
      const moved =
        risen(before.down, down) +
        risen(before.passedOn, passedOn) +
        (isNew ? (pieces[0]?.sizeBytes ?? 0) : 0);
      before = { down, passedOn, newest };
      isFirst = false;
      if (moved === 0) return;
      const { day, bytes } = read(nowMs);
      counted = { day, bytes: bytes + moved };
      writeStored(storage, KEY, counted);
    },
  };
}

/** A counter that begins anew has moved what it shows. */
const risen = (before: number, now: number): number => (now >= before ? now - before : now);

function isDayBytes(value: unknown): value is DayBytes {
  if (typeof value !== "object" || value === null) return false;
  const { day, bytes } = value as Record<string, unknown>;
  return typeof day === "string" && typeof bytes === "number" && bytes >= 0;
}
