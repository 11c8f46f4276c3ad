import { statfs } from "node:fs/promises";
import { parseValue } from "../../core/protocol/canonical-json.ts";
import {
  type Alert,
  type AlertLimits,
  type AlertList,
  alertLimits,
} from "../../core/protocol/schemas/alerts.ts";
import type { RelayContext, ServedModel } from "../context.ts";
import { type ModelHealthContext, modelHealthOf } from "../merging/health.ts";
import { summaryOf } from "../store/sql/versions.ts";
import {
  alertKey,
  type DiskFigures,
  type FoundAlert,
  findModelAlerts,
  findRelayAlerts,
  type ModelFigures,
} from "./find-alerts.ts";

type AlertContext = ModelHealthContext & Pick<RelayContext, "config">;

/** What a maintainer is told of without looking, as the relay found it last. */
export type Alerts = {
  /** At most 15 seconds old. */
  list(): Promise<AlertList>;
  /** Look anew at the next call: the limits are others. */
  forget(): void;
};

/** The name under which the ledger keeps the limits that a maintainer set. */
export const ALERT_LIMITS = "alert-limits";

/** Until a maintainer sets others: nobody is woken by chance, and nothing stands still for long unseen. */
const DEFAULT_LIMITS: AlertLimits = {
  "no-merge": 4,
  refusals: 3,
  drift: 4,
  flips: 0.5,
  backlog: 600,
  disk: 0.9,
  network: 0.3,
};

const MAX_AGE_MS = 15_000; // thousands of rows are read for it
const DAY_MS = 24 * 3600_000;
const VERSIONS = 100;
const MOST_READ = 2000; // of each kind of row

export function createAlerts(context: AlertContext): Alerts {
  const since = new Map<string, number>();
  let kept: { readonly at: number; readonly list: Promise<AlertList> } | null = null;

  async function look(at: number): Promise<AlertList> {
    const limits = await readLimits(context);
    const ofModels = await Promise.all(
      [...context.models].map(async ([id, served]) =>
        findModelAlerts(await figuresOf(context, { id, served, at }), limits),
      ),
    );
    const disk = await readDisk(context.config.dataDir);
    return { limits, alerts: dated([...findRelayAlerts(disk, limits), ...ofModels.flat()], at) };
  }

  function dated(found: readonly FoundAlert[], at: number): Alert[] {
    const keys = new Set(found.map(alertKey));
    for (const key of since.keys()) if (!keys.has(key)) since.delete(key);
    return found.map((each) => {
      const began = since.get(alertKey(each)) ?? at;
      since.set(alertKey(each), began);
      return { ...each, since: began };
    });
  }

  return {
    list() {
      const at = context.clock();
      if (kept !== null && Math.abs(at - kept.at) < MAX_AGE_MS) return kept.list;
      const made = { at, list: look(at) };
      kept = made;
      made.list.catch(() => {
        if (kept === made) kept = null; // who asked hears of it; the next one tries again
      });
      return made.list;
    },
    forget() {
      kept = null;
    },
  };
}

async function readLimits({ status }: AlertContext): Promise<AlertLimits> {
  const text = await status.setting(ALERT_LIMITS);
  if (text === undefined) return DEFAULT_LIMITS;
  // a kind that is newer than what was set has its default
  return parseValue(ALERT_LIMITS, alertLimits, { ...DEFAULT_LIMITS, ...JSON.parse(text) });
}

async function figuresOf(
  context: AlertContext,
  { id, served, at }: { id: string; served: ServedModel; at: number },
): Promise<ModelFigures> {
  const { history, status, queue } = context;
  const day = at - DAY_MS;
  const [health, rows, refused, made, out] = await Promise.all([
    modelHealthOf(context, id),
    history.versions(id, null, VERSIONS),
    status.refusedWork(id, day, MOST_READ),
    status.made(id, day, MOST_READ),
    queue.out(id),
  ]);
  const versions = rows.map(summaryOf);
  const number = health.release?.version ?? null;
  const isListed = number === null || versions.some((each) => each.number === number);
  const released = isListed ? undefined : await history.version(id, number);
  return {
    at,
    health,
    cohortSeconds: served.recipe.merge.cohortSeconds,
    versions,
    released: released === undefined ? null : summaryOf(released),
    refused: refused.rows,
    refusedSince: refused.since,
    made,
    out,
  };
}

async function readDisk(folder: string): Promise<DiskFigures> {
  try {
    const { blocks, bavail } = await statfs(folder);
    return { used: blocks === 0 ? null : 1 - bavail / blocks };
  } catch {
    return { used: null }; // the disk is away, which Health says
  }
}
