import { assert } from "../../core/errors.ts";
import { decodeVersion } from "../../core/history/version.ts";
import type { VersionRecord } from "../../core/protocol/schemas/version.ts";
import type { Checkpoints } from "../checkpoints.ts";
import type { RelayContext, ServedModel } from "../context.ts";
import type { Evaluator } from "./evaluation-thread.ts";

/** A model's newest version, in memory here and in the evaluation thread. */
export type Head = ServedModel & {
  readonly model: string;
  readonly number: number;
  readonly id: string;
  readonly checkpoint: string;
  readonly record: VersionRecord;
  /** [N] */
  readonly parameters: Float32Array;
  readonly paused: boolean;
};

/** Reads heads, and keeps the parameters of each model's last one. */
export function createHeads(
  { ledger, models }: RelayContext,
  checkpoints: Checkpoints,
  evaluator: Evaluator,
): (model: string) => Promise<Head> {
  const kept = new Map<string, Head>();
  return async (model) => {
    const row = await ledger.model(model);
    const served = models.get(model);
    assert(row !== undefined && served !== undefined, `no model ${model}`);
    const known = kept.get(model);
    if (known?.number === row.head) {
      // other models' heads may have taken its place there
      const isLoaded = await evaluator.has(known.checkpoint);
      if (!isLoaded) await evaluator.load(known.checkpoint, known.parameters);
      return { ...known, paused: row.paused === 1 };
    }
    const version = await ledger.version(model, row.head);
    assert(version !== undefined, `${model} has no version ${row.head}`);
    const parameters = await checkpoints.parametersOf(version);
    const head: Head = {
      ...served,
      model,
      number: version.number,
      id: version.id,
      checkpoint: version.checkpoint,
      record: decodeVersion(version.signed).record,
      parameters,
      paused: row.paused === 1,
    };
    await evaluator.load(head.checkpoint, parameters);
    kept.set(model, head);
    return head;
  };
}
