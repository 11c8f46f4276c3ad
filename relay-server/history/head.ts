import { assert } from "../../core/errors.ts";
import type { ContributedSuite } from "../../core/gate/judge.ts";
import type { GatePackets, GateSuite } from "../../core/gate/packets.ts";
import { decodeVersion } from "../../core/history/version.ts";
import type { Metrics, OpenedPackets, VersionRecord } from "../../core/protocol/schemas/version.ts";
import { damagedError } from "../content/damage.ts";
import type { RelayContext, ServedModel } from "../context.ts";
import type { ModelRow, VersionRow } from "../store/tables.ts";
import type { Evaluator } from "../threads/open-evaluator.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { followRecipe } from "./served-models.ts";
import { type ServedSuite, suitesInForce } from "./suites.ts";

/** A model's newest version, in memory here and in the evaluation thread. */
export type Head = ServedModel & {
  readonly model: string;
  readonly number: number;
  readonly id: string;
  readonly checkpoint: string;
  readonly record: VersionRecord;
  /** [N] */
  readonly parameters: Float32Array;
  /** The packets of its suites; null in a history that has promised none. */
  readonly packets: GatePackets | null;
  readonly paused: boolean;
  /** The model's fence when the head was read. */
  readonly fence: number;
  /** The last release, or what stands for it (`history.standard`): loaded in the evaluation thread too. */
  readonly release: { readonly number: number; readonly checkpoint: string };
  /** The version of least loss on the report set from the release to the head; loaded too. */
  readonly best: { readonly number: number; readonly checkpoint: string };
  /** Contributed suites in force; loaded too. */
  readonly suites: readonly ContributedSuite[];
};

/** A head without what may change while it is one. */
type KeptHead = Omit<Head, "paused" | "fence" | "release" | "best" | "suites" | "packets"> & {
  readonly packets: Omit<GatePackets, "spent"> | null;
};

/** The best version from `release` to `head`, both among them. */
type Best = {
  readonly release: number;
  readonly head: number;
  readonly number: number;
  readonly lossNats: number;
};

const VERSIONS_A_READ = 256; // a report is some 70 bytes

/** Reads heads, and keeps the parameters of each model's last one. */
export function createHeads(
  { history, models, blobs }: Pick<RelayContext, "history" | "models" | "blobs">,
  checkpoints: Checkpoints,
  evaluator: Evaluator,
): (model: string) => Promise<Head> {
  const kept = new Map<string, KeptHead>();
  const bests = new Map<string, Best>();

  async function readHead({ id: model, head }: ModelRow, served: ServedModel): Promise<KeptHead> {
    const version = await versionOf(model, head);
    const { record } = decodeVersion(version.signed);
    const { suites } = decodeVersion((await versionOf(model, 0)).signed).record;
    return {
      ...served,
      model,
      number: version.number,
      id: version.id,
      checkpoint: version.checkpoint,
      record,
      parameters: await checkpoints.parametersOf(version),
      packets:
        suites === undefined || record.packets === undefined
          ? null
          : { suites, opened: record.packets },
    };
  }

  async function versionOf(model: string, number: number): Promise<VersionRow> {
    const version = await history.version(model, number);
    assert(version !== undefined, `${model} has no version ${number}`);
    return version;
  }

  /** Found out anew where the release has changed, else among the last best and what came after it. */
  async function bestOf(model: string, release: number, head: number): Promise<Best> {
    const known = bests.get(model);
    const isKnown = known?.release === release && known.head <= head;
    let best = isKnown ? known : { release, head: release, number: release, lossNats: Infinity };
    for (let last = head; last >= (isKnown ? known.head + 1 : release); ) {
      const page = await history.versions(model, last + 1, VERSIONS_A_READ);
      for (const { number, report } of page) {
        const { lossNats } = JSON.parse(report) as Metrics; // as the relay wrote it
        const isInRange = number >= release && !(isKnown && number <= known.head);
        // of equals the newest, which is read first
        if (isInRange && lossNats < best.lossNats) best = { ...best, number, lossNats };
      }
      last -= VERSIONS_A_READ;
    }
    best = { ...best, head };
    bests.set(model, best);
    return best;
  }

  /** True if it had to be loaded: the thread may be another one since, or have had no room for it. */
  async function load(
    version: Pick<VersionRow, "model" | "checkpoint">,
    read: () => Promise<Float32Array> | Float32Array,
  ) {
    const { model, checkpoint } = version;
    if (await evaluator.has(model, checkpoint)) return false;
    await evaluator.load(model, checkpoint, await read());
    return true;
  }

  /** True if one had to be loaded. */
  async function loadSuites(model: string, suites: readonly ServedSuite[]): Promise<boolean> {
    let isNew = false;
    for (const { id, name, setAside } of suites) {
      if (await evaluator.hasSuite(model, id)) continue;
      const bytes = await blobs.read(id);
      if (bytes === null) throw damagedError(`the suite ${name}`);
      await evaluator.loadSuite(model, { name: id, id, bytes, setAside });
      isNew = true;
    }
    return isNew;
  }

  return async function headOf(model): Promise<Head> {
    const before = models.get(model);
    const row = await history.model(model);
    const served = row && followRecipe(models, row, before);
    assert(row !== undefined && served !== undefined, `no model ${model}`);
    const known = kept.get(model);
    const head = known?.number === row.head ? { ...known, ...served } : await readHead(row, served);
    kept.set(model, head);
    const release = await versionOf(model, await history.standard(model));
    const best = await versionOf(model, (await bestOf(model, release.number, row.head)).number);
    const bestLoaded = await load(best, () => checkpoints.parametersOf(best));
    const releaseLoaded = await load(release, () => checkpoints.parametersOf(release));
    const headLoaded = await load(head, () => head.parameters);
    const suites = await suitesInForce(history, model); // after the head: an act on an earlier one is among them
    const suitesLoaded = await loadSuites(model, suites);
    if (bestLoaded || releaseLoaded || headLoaded || suitesLoaded) return headOf(model); // that took a while: a maintainer may have paused it since
    const { number, checkpoint } = release;
    const shown = await history.shownPackets(model);
    return {
      ...head,
      packets: head.packets && { ...head.packets, spent: spentOf(head.packets.opened, shown) },
      paused: row.paused === 1,
      fence: row.fence,
      release: { number, checkpoint },
      best: { number: best.number, checkpoint: best.checkpoint },
      suites,
    };
  };
}

/** What juries have seen beyond what is open. */
function spentOf(opened: OpenedPackets, shown: Readonly<Record<GateSuite, number>>): OpenedPackets {
  const beyond = (suite: GateSuite) => Math.max(0, shown[suite] - (opened[suite] ?? 0));
  return { gate: beyond("gate"), protected: beyond("protected") };
}
