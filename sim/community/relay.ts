import { type KeyPair, publicKeyHex } from "../../core/crypto/signature.ts";
import type { ReferenceAt } from "../../core/gate/reference.ts";
import type { VainWork } from "../../core/gate/resting.ts";
import { nextMask } from "../../core/history/mask-epoch.ts";
import { signVersion, versionId } from "../../core/history/version.ts";
import type { Member } from "../../core/merge/member.ts";
import type { Mask } from "../../core/protocol/schemas/mask.ts";
import type { SignedVersion, VersionRecord } from "../../core/protocol/schemas/version.ts";
import { nameCheckpoint } from "../../core/tensors/manifest.ts";
import { evaluate } from "../../core/training/evaluate.ts";
import { type Evaluation, metricsOf } from "../../core/training/metrics.ts";
import type { SentPatch, Version } from "./piece.ts";
import type { SimModel } from "./sim-model.ts";
import { createStopwatch, type Stopwatch } from "./stopwatch.ts";
import { keysOf } from "./volunteer.ts";

export const NO_VAIN_WORK: VainWork = { count: 0, lastAt: 0 };

/** What a run may do without, to see what it is worth. */
export const DEFENCES = [
  "duplicates",
  "screen",
  "score",
  "spot-checks",
  "clip",
  "leave-one-out",
  "gate",
] as const;
export type Defence = (typeof DEFENCES)[number];

/** A contribution that was decoded and waits for its cohort. */
export type SimWaiting = Member & {
  readonly sent: SentPatch;
  /** Its values [k]. */
  readonly delta: Float32Array;
  readonly queuedAt: number;
  /** Cohorts that it was left over from. */
  readonly postponed: number;
};

/** The relay's part of a community: the history, what waits, and what is known about contributors. */
export type SimRelay = {
  readonly model: SimModel;
  readonly seed: string;
  readonly keys: KeyPair;
  readonly without: ReadonlySet<Defence>;
  readonly stopwatch: Stopwatch;
  readonly probeStopwatch: Stopwatch;
  /** Whether every contribution is also screened and scored in all ways, for the record. */
  readonly isProbed: boolean;
  readonly history: SignedVersion[];
  readonly versions: Version[];
  /** What the judge knows of the head. */
  kept: Map<string, Evaluation>;
  queue: SimWaiting[];
  /** Norms of merged work, oldest first. */
  readonly mergedNorms: number[];
  /** Merges in a row by public key. */
  readonly merges: Map<string, number>;
  /** Work on the head that had nothing to gain; its time in simulated milliseconds. */
  vain: VainWork;
  /** Who has failed a spot check. */
  readonly suspects: Set<string>;
  /** Tickets that may still come back, by their mask's name. */
  readonly outstanding: Map<string, number>;
  /** Positions by the mask's name. */
  readonly positions: Map<string, Uint32Array>;
  /** Size of the file that publishes a shared mask, by its name. */
  readonly maskBytes: Map<string, number>;
  /** Contributions that arrived, by their mask's name. */
  readonly arrived: Map<string, number>;
  /** References by the number of the version, trained when its first work arrives. */
  readonly references: Map<number, Promise<ReferenceAt>>;
  /** Held-out gradients by version, for the probe. */
  readonly gradients: Map<string, Promise<Float32Array>>;
  /** Values by mask that later ones may be copies of. */
  readonly seen: Map<string, SimWaiting[]>;
};

export async function openRelay(
  model: SimModel,
  options: Pick<SimRelay, "seed" | "without" | "isProbed">,
): Promise<SimRelay> {
  const keys = await keysOf(`${options.seed} relay`);
  const report = await reportOf(model, model.base);
  const record: VersionRecord = {
    format: "commonweight.version/1",
    model: model.recipe.id,
    number: 0,
    parent: null,
    createdAt: 0,
    relayKey: await publicKeyHex(keys),
    checkpoint: (await nameCheckpoint(model.layout, model.base)).id,
    mask: await nextMask(null, model.recipe.mask, model.layout.size, {
      isOver: true,
      shared: null,
    }),
    merge: null,
    evaluation: { report: metricsOf(report), gate: null },
  };
  return {
    ...options,
    stopwatch: createStopwatch(),
    probeStopwatch: createStopwatch(),
    model,
    keys,
    history: [await signVersion(record, keys.privateKey)],
    versions: [{ id: await versionId(record), record, parameters: model.base, report }],
    kept: new Map(),
    queue: [],
    mergedNorms: [],
    merges: new Map(),
    vain: NO_VAIN_WORK,
    suspects: new Set(),
    outstanding: new Map(),
    arrived: new Map(),
    maskBytes: new Map(),
    positions: new Map(),
    references: new Map(),
    gradients: new Map(),
    seen: new Map(),
  };
}

export function headOf({ versions }: SimRelay): Version {
  return versions[versions.length - 1]!;
}

/** The version of least loss on the report set; of equals the newest. */
export function bestOf({ versions }: SimRelay): Version {
  const lossOf = ({ record }: Version) => record.evaluation.report.lossNats;
  return versions.reduce((best, version) => (lossOf(version) <= lossOf(best) ? version : best));
}

/** What tells one mask from another. */
export function maskName(mask: Mask): string {
  switch (mask.kind) {
    case "random":
      return mask.seed;
    case "shared":
      return mask.positions;
    case "own":
      return "own";
  }
}

/** Count one more, or with −1 one less, under `name`. */
export function countOne(counts: Map<string, number>, name: string, change = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + change);
}

/** What a version does on the report set, which nothing else looks at. */
export function reportOf({ recipe, heldOut }: SimModel, parameters: Float32Array) {
  const { architecture } = recipe;
  return evaluate({ architecture, parameters, examples: heldOut.report });
}
