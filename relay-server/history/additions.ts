import { sha256 } from "../../core/crypto/signature.ts";
import { assert, FormatError } from "../../core/errors.ts";
import { chunkSizes } from "../../core/models/addition-files.ts";
import { encodeCanonical } from "../../core/protocol/canonical-json.ts";
import type { AdditionRequest, AdditionStatus } from "../../core/protocol/schemas/addition.ts";
import type { AdditionFiles } from "../content/addition-files.ts";
import { type ObjectsPlace, openObjects } from "../content/open-objects.ts";
import type { RelayContext } from "../context.ts";
import { outageWords } from "../storage-error.ts";
import type { ImportTurn } from "../store/postgres/other-relays.ts";
import type { ModelRow } from "../store/tables.ts";
import { openComparison } from "../threads/open-comparison.ts";
import type { Evaluator } from "../threads/open-evaluator.ts";
import { addData, enteredOutcome } from "./data-addition.ts";
import type { AddedBy } from "./import-model.ts";
import { importAddition, refuseSizes } from "./model-addition.ts";
import { takeBackUnentered } from "./unentered-blobs.ts";

/** What maintainers add while the relay runs: models (protocol R6), and data of models (R10). */
export type Additions = {
  /**
   * Begin an addition or go on with it; it is read and entered once all chunks are there. Throws a FormatError for a plan whose
   * files cannot be those of its recipe, and a StorageFullError where the disk has no room for them.
   */
  begin(
    request: AdditionRequest,
    maintainer: string,
  ): Promise<AdditionStatus | "taken" | "unknown" | "busy">;
  /** Keep a chunk, whose hash was checked; false if no such addition is open. Throws a FormatError for one that it has not. */
  put(id: string, hash: string, bytes: Uint8Array): Promise<boolean>;
  /** How far it is; null if there is none. */
  status(id: string): Promise<AdditionStatus | null>;
  /** Stop after what is being written. */
  close(): Promise<void>;
};

type Parts = {
  readonly context: RelayContext;
  readonly files: AdditionFiles;
  readonly evaluator: Evaluator;
  /** Where the relay's files lie, and the uploads among them. */
  readonly place: ObjectsPlace;
  /** Waits until no other relay reads an addition: of a model of the same id, or of the same data. */
  readonly importTurn: ImportTurn;
  /** Hears of each model once it is in the ledger. */
  serve(row: ModelRow): Promise<void>;
  /** Hears of each model that has more data. */
  onData(model: string): void;
};

type Plan = AdditionRequest["plan"];

type Addition = Pick<AdditionStatus, "state" | "done" | "total" | "problem" | "outcome"> & {
  readonly plan: Plan;
  readonly sizes: ReadonlyMap<string, number>;
};

const FAILED = "the relay failed at it; its log says more";
const ENDING = "the relay is ending";
const MOST_OPEN = 4; // each may fill a disk
const KEPT_ENDED = 64; // whoever asks for the end of one asks soon
const KEPT_MS = 24 * 3600_000; // an upload that was left off is forgotten after a day

export function createAdditions({
  context,
  files,
  evaluator,
  place,
  importTurn,
  serve,
  onData,
}: Parts): Additions {
  const { history, clock } = context;
  const additions = new Map<string, Addition>();
  const { comparison, close: closeComparison } = openComparison();
  const closing = new AbortController();
  const { signal } = closing;
  let importing = takeBack(); // one after the other: each holds a base in memory

  /** A relay that was killed may have made data public that nothing names. */
  async function takeBack(): Promise<void> {
    let endTurn = () => {};
    try {
      endTurn = await importTurn(signal);
      await takeBackUnentered(context, openObjects(place));
    } catch (error) {
      if (!signal.aborted) console.error(error); // the next addition of data tries again
    } finally {
      endTurn();
    }
  }

  async function statusOf(id: string, addition: Addition): Promise<AdditionStatus> {
    const { sizes, plan: _, ...rest } = addition;
    if (rest.state !== "uploading") return { id, ...rest, missing: [] };
    const there = await files.chunks(id);
    const missing = [...sizes.keys()].filter((hash) => !there.has(hash));
    return { id, ...rest, missing, done: sizes.size - missing.length, total: sizes.size };
  }

  /** How far data are that are in the ledger, whichever relay entered them; null where they are not. */
  async function enteredStatus(id: string): Promise<AdditionStatus | null> {
    const outcome = await enteredOutcome(context, id);
    if (outcome === null) return null;
    const { shards: done } = outcome;
    return { id, state: "added", missing: [], done, total: done, problem: null, outcome };
  }

  function change(id: string, news: Partial<Addition>): void {
    const addition = additions.get(id);
    assert(addition !== undefined, `no addition ${id}`);
    additions.set(id, { ...addition, ...news });
  }

  function enter(id: string, plan: Plan): void {
    const ended = [...additions].filter(
      ([, { state }]) => state === "added" || state === "refused",
    );
    for (const [old] of ended.slice(0, Math.max(0, ended.length - KEPT_ENDED))) {
      additions.delete(old);
    }
    const sizes = chunkSizes(plan);
    const begun = { plan, sizes, done: 0, total: sizes.size, problem: null, outcome: null };
    additions.set(id, { ...begun, state: "uploading" });
  }

  async function inTurn(id: string, plan: Plan, addedBy: AddedBy): Promise<void> {
    let endTurn = () => {};
    try {
      endTurn = await importTurn(signal);
      await files.touch(id); // for the other relays, which forget what is left off
      await run(id, plan, addedBy);
    } catch (error) {
      if (!signal.aborted) console.error(error);
      const problem = outageWords(error) ?? (signal.aborted ? ENDING : FAILED);
      change(id, { state: "uploading", problem }); // its turn did not come
    } finally {
      endTurn();
    }
  }

  async function run(id: string, plan: Plan, addedBy: AddedBy): Promise<void> {
    try {
      const outcome = await carryOut(id, plan, addedBy);
      await files.remove(id).catch(console.error); // it is added all the same, and what is left is swept
      change(id, { state: "added", outcome });
    } catch (error) {
      await giveUp(id, plan, error).catch(console.error);
    }
  }

  async function carryOut(id: string, plan: Plan, addedBy: AddedBy) {
    const tell = (done: number, total: number) => {
      if (signal.aborted) throw new Error(ENDING);
      change(id, { done, total });
    };
    if (plan.format === "commonweight.data/1") {
      const recipe = context.models.get(plan.model)?.recipe;
      assert(recipe !== undefined, `no model ${plan.model}`);
      const outcome = await addData(context, {
        ...{ id, plan, recipe, place, comparison, addedBy },
        onProgress: tell,
      });
      onData(plan.model);
      return outcome;
    }
    const onProgress = (_: string, done: number, total: number) => tell(done, total);
    const options = { evaluator, onProgress, addedBy };
    await serve(await importAddition(context, files.source(id, plan), options));
    return null;
  }

  /**
   * Remove the files of what is refused: nothing of it is public, but for blobs of a model after a mistake of the relay's own.
   * What a full disk ended waits to be asked for again.
   */
  async function giveUp(id: string, plan: Plan, error: unknown): Promise<void> {
    const outage = outageWords(error);
    if (outage !== null || signal.aborted)
      return change(id, { state: "uploading", problem: outage ?? ENDING });
    if (!(error instanceof FormatError)) console.error(error);
    const isModel = plan.format !== "commonweight.data/1";
    const isThere = isModel && (await history.model(plan.recipe.id)) !== undefined;
    const mistake = isThere
      ? "it is there, and served from the relay's next start on"
      : "the relay made a mistake";
    const problem = error instanceof FormatError ? error.message : mistake;
    await files.remove(id).catch(console.error); // what is left is swept
    change(id, { state: "refused", problem });
  }

  /** Why `plan` cannot be begun; null if it can. */
  async function obstacleOf(plan: Plan): Promise<"taken" | "unknown" | null> {
    const isData = plan.format === "commonweight.data/1";
    const isThere = (await history.model(isData ? plan.model : plan.recipe.id)) !== undefined;
    if (isThere !== isData) return isData ? "unknown" : "taken";
    return null;
  }

  const inImport = () =>
    new Set([...additions].flatMap(([id, { state }]) => (state === "importing" ? [id] : [])));

  return {
    async begin({ plan, reason }, maintainer) {
      const id = await sha256(encodeCanonical(plan));
      const known = additions.get(id);
      if (known?.state === "importing" || known?.state === "added") return statusOf(id, known);
      const obstacle = await obstacleOf(plan);
      if (obstacle !== null) return obstacle;
      const entered = await enteredStatus(id);
      if (entered !== null) {
        if (additions.has(id)) change(id, { state: "added", outcome: entered.outcome });
        await files.remove(id); // the relay was ended before it came to this
        return entered;
      }
      for (const swept of await files.sweep(clock() - KEPT_MS, inImport())) additions.delete(swept);
      const open = [...additions].filter(
        ([other, { state }]) => state === "uploading" && other !== id,
      );
      if (open.length >= MOST_OPEN) return "busy";
      if (plan.format === "commonweight.addition/1") await refuseSizes(plan);
      await files.open(id, plan);
      if ((additions.get(id) ?? { state: "refused" }).state === "refused") enter(id, plan);
      const status = await statusOf(id, additions.get(id)!);
      const isWhole = status.missing.length === 0 && additions.get(id)?.state === "uploading";
      if (!isWhole) return status;
      change(id, { state: "importing", done: 0, total: plan.shards.length + 1, problem: null });
      importing = importing.then(() => inTurn(id, plan, { maintainer, reason }));
      return statusOf(id, additions.get(id)!);
    },
    async put(id, hash, bytes) {
      const addition = additions.get(id);
      if (addition?.state !== "uploading") return false;
      const size = addition.sizes.get(hash);
      if (size !== bytes.length) {
        const planned = size === undefined ? "no such chunk" : `${size} bytes`;
        throw new FormatError(`chunk ${hash}: ${bytes.length} bytes, and the plan has ${planned}`);
      }
      await files.put(id, hash, bytes);
      return true;
    },
    async status(id) {
      const addition = additions.get(id);
      return addition === undefined ? enteredStatus(id) : statusOf(id, addition);
    },
    async close() {
      closing.abort();
      await closeComparison(); // what it is at may take minutes
      await importing;
    },
  };
}
