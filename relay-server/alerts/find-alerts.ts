import { lagBehind, mostAccurate } from "../../core/gate/drift.ts";
import { refusedShares } from "../../core/gate/refused-shares.ts";
import { medianOf } from "../../core/median.ts";
import type { Alert, AlertKind, AlertLimits } from "../../core/protocol/schemas/alerts.ts";
import type { ModelHealth } from "../../core/protocol/schemas/status.ts";
import type { VersionSummary } from "../../core/protocol/schemas/version.ts";
import type { MadeRow, RefusedRow } from "../store/sql/refused-work.ts";

/** What the alerts of one model follow from, as it was read at `at`. */
export type ModelFigures = {
  readonly at: number;
  readonly health: ModelHealth;
  /** The longest that the recipe lets a cohort wait to be full. */
  readonly cohortSeconds: number;
  /** The newest ones, newest first. */
  readonly versions: readonly VersionSummary[];
  /** The released version, where it is none of these; else null. */
  readonly released: VersionSummary | null;
  /** Refusals of the last day, newest first, and since when none of them is missing. */
  readonly refused: readonly RefusedRow[];
  readonly refusedSince: number;
  /** The day's work, and what made it. */
  readonly made: readonly MadeRow[];
  /** Tickets that may still come back: those of the network that holds most, and all. */
  readonly out: { readonly most: number; readonly all: number };
};

/** How full the disk is, as a share from 0 to 1; null where that cannot be found out. */
export type DiskFigures = { readonly used: number | null };

/** An alert without the time since when it is one. */
export type FoundAlert = Omit<Alert, "since">;

/** By what two findings are of the same alert. */
export const alertKey = ({ kind, model, about }: FoundAlert): string =>
  JSON.stringify([kind, model, about]);

type Found = Pick<FoundAlert, "about" | "why" | "contributions">;

const HOUR_MS = 3600_000;
const GAPS = 20; // versions whose distance in time is the usual one
const LEAST_REFUSED = 5; // fewer are nobody's pattern
const LEAST_OUT = 10; // tickets: in a small community one home is always a third of it
const SHOWN = 5;

/** The alerts of a model; a pure function of its figures. A paused or retired model has none of work that waits. */
export function findModelAlerts(figures: ModelFigures, limits: AlertLimits): FoundAlert[] {
  const finders: readonly [AlertKind, (figures: ModelFigures, limit: number) => Found[]][] = [
    ["no-merge", noMerge],
    ["refusals", refusals],
    ["drift", drift],
    ["flips", flips],
    ["backlog", backlog],
    ["network", network],
  ];
  return finders.flatMap(([kind, find]) => {
    const limit = limits[kind];
    if (limit === null) return [];
    return find(figures, limit).map((found) => ({ kind, model: figures.health.model, ...found }));
  });
}

/** The alerts of the relay itself. */
export function findRelayAlerts({ used }: DiskFigures, { disk }: AlertLimits): FoundAlert[] {
  if (disk === null || used === null || used < disk) return [];
  const why = `The relay's disk is ${percent(used)} full.`;
  return [{ kind: "disk", model: null, about: "", why, contributions: [] }];
}

function noMerge({ at, health, cohortSeconds, versions }: ModelFigures, times: number): Found[] {
  if (isHeld(health) || health.oldestSeconds === 0) return [];
  const merged = versions.filter(({ number }) => number > 0).slice(0, GAPS);
  const gaps = merged.slice(1).map((older, i) => merged[i]!.createdAt - older.createdAt);
  const usualMs = Math.max(cohortSeconds * 1000, medianOf(gaps) ?? 0);
  const last = versions[0]?.createdAt ?? at;
  const quietMs = Math.min(at - last, health.oldestSeconds * 1000); // a quiet day without work is no alert
  if (quietMs < times * usualMs) return [];
  const why = `Work has waited for ${spanOf(quietMs)} without a merge; a version usually takes ${spanOf(usualMs)}.`;
  return [plain(why)];
}

function refusals(figures: ModelFigures, sigma: number): Found[] {
  const { made } = figures;
  const by = (what: "device" | "software", name: string) =>
    refusedShares(made.flatMap((row) => (row[what] === null ? [] : [{ ...row, by: row[what] }])))
      .filter((share) => share.refused >= LEAST_REFUSED && share.sigma >= sigma)
      .map(({ name: maker, refused, arrived, contributions }) => ({
        about: `${name} ${maker}`, // a device may call itself what a build or a reason is called
        why: `Of the ${name} “${maker}”, ${refused} of ${arrived} pieces of work were refused, far more than of the others.`,
        contributions,
      }));
  return [...byReason(figures, sigma), ...by("device", "device"), ...by("software", "build")];
}

/** The last hour's refusals of each reason against the hours before it, as a Poisson count. */
function byReason({ at, refused, refusedSince }: ModelFigures, sigma: number): Found[] {
  const hours = Math.max(0, at - HOUR_MS - refusedSince) / HOUR_MS;
  if (hours < 1) return []; // nothing to compare with
  const codes = new Set(refused.map(({ code }) => code));
  return [...codes].flatMap((code) => {
    const all = refused.filter((row) => row.code === code && row.at >= refusedSince);
    const recent = all.filter((row) => row.at > at - HOUR_MS);
    const usual = (all.length - recent.length) / hours;
    const isMore = (recent.length - usual) / Math.sqrt(Math.max(1, usual)) >= sigma;
    if (!isMore || recent.length < LEAST_REFUSED) return [];
    const why = `${recent.length} pieces of work were refused as ${code} in the last hour; ${usual.toFixed(1)} an hour is usual.`;
    return [
      { about: `reason ${code}`, why, contributions: recent.slice(0, SHOWN).map(({ id }) => id) },
    ];
  });
}

function drift({ health, versions, released }: ModelFigures, sigma: number): Found[] {
  const head = versions[0];
  if (head === undefined) return [];
  const release = released ?? versions.find(({ number }) => number === health.release?.version);
  const best = mostAccurate(versions);
  const others = [
    { name: `the release ${health.release?.tag}`, other: release ?? null },
    { name: `version ${best?.number}, the best of late`, other: best },
  ];
  for (const { name, other } of others) {
    const lag = other === null ? null : lagBehind(head, other);
    if (lag === null || lag.sigma < sigma) continue;
    const points = (100 * lag.loss).toFixed(2);
    return [plain(`Version ${head.number} is ${points} points worse than ${name}.`)];
  }
  return [];
}

function flips({ health }: ModelFigures, share: number): Found[] {
  const newest = health.gateTests[0]?.flips ?? null;
  if (newest === null || newest.budget * newest.rightBefore === 0) return [];
  const used = newest.flips / (newest.budget * newest.rightBefore);
  if (used < share) return [];
  const why = `The newest candidate used ${percent(used)} of the flip budget since version ${newest.version}.`;
  return [plain(why)];
}

function backlog({ health }: ModelFigures, seconds: number): Found[] {
  const { received, scored } = health.waiting;
  const due = (received + scored) * (health.scoreSeconds ?? 0);
  if (isHeld(health) || due < seconds) return [];
  return [plain(`Judging what waits takes ${spanOf(1000 * due)}.`)];
}

function network({ out: { most, all } }: ModelFigures, share: number): Found[] {
  if (all < LEAST_OUT || most / all <= share) return [];
  return [plain(`One network holds ${percent(most / all)} of the work that is under way.`)];
}

const isHeld = ({ paused, retired }: ModelHealth) => paused || retired !== null;

const plain = (why: string): Found => ({ about: "", why, contributions: [] });

const percent = (share: number) => `${Math.round(100 * share)}%`;

const UNITS = [
  { ms: 48 * HOUR_MS, of: 24 * HOUR_MS, name: "days" },
  { ms: 2 * HOUR_MS, of: HOUR_MS, name: "hours" },
  { ms: 120_000, of: 60_000, name: "minutes" },
  { ms: 0, of: 1000, name: "seconds" },
] as const;

function spanOf(ms: number): string {
  const unit = UNITS.find((each) => ms >= each.ms) ?? UNITS[3];
  return `${Math.round(ms / unit.of)} ${unit.name}`;
}
