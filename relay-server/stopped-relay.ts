import { access } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "../core/crypto/signature.ts";
import { assert } from "../core/errors.ts";
import { chunksOfShards } from "../core/models/addition-files.ts";
import type { SourceShard } from "../core/models/model-source.ts";
import { encodeCanonical } from "../core/protocol/canonical-json.ts";
import type { DataOutcome } from "../core/protocol/schemas/addition.ts";
import type { DataPlan } from "../core/protocol/schemas/data.ts";
import type { Recipe } from "../core/protocol/schemas/recipe.ts";
import { type Config, fullSentence, placeName } from "./config.ts";
import { openAdditionFiles } from "./content/addition-files.ts";
import { createDamage } from "./content/damage.ts";
import { openDataFolder } from "./content/data-folder.ts";
import { openHeldOutStore } from "./content/held-out-store.ts";
import { type ObjectsPlace, openObjects } from "./content/open-objects.ts";
import { openPublicBlobs } from "./content/public-blobs.ts";
import { addData } from "./history/data-addition.ts";
import { checkHeldOut } from "./history/held-out-hashes.ts";
import { readRecipe } from "./history/served-models.ts";
import { openOwnIdentity } from "./identity.ts";
import { StartError } from "./start-error.ts";
import { isStorageFull } from "./storage-error.ts";
import { AT_THE_MACHINE } from "./store/maintainer-token.ts";
import { openLedgerBeside } from "./store/open-ledger.ts";
import type { Ledger } from "./store/store.ts";
import type { ComparisonThread } from "./threads/comparison-thread.ts";
import { openComparison } from "./threads/open-comparison.ts";

/** What a relay keeps, while it does not run: no other process has it meanwhile. */
export type StoppedRelay = {
  /** Its recipe of a model; undefined where it has no such model. */
  recipe(model: string): Recipe | undefined;
  /** The bytes of a public file. Throws a StartError where they are missing or damaged. */
  blob(id: string): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Give a model that it has the new ones of a plan's examples, as an upload to the running relay does (protocol R10). Throws a
   * FormatError for what is no data of the model's, or not new, and a StartError where the disk is full.
   */
  addData(plan: DataPlan, adding: AddingToStopped): Promise<DataOutcome>;
  /** Let others have it; what is being added is not. */
  close(): Promise<void>;
};

type AddingToStopped = {
  readonly reason: string;
  /** The plan's. */
  shards(): Iterable<SourceShard>;
  readonly onProgress: (done: number, total: number) => void;
};

/**
 * Open what the relay of `config` keeps. Throws a StartError where a relay runs on it, where there is none, and where several
 * relays share a ledger: one of them may run.
 */
export async function openStoppedRelay(config: Config, clock: () => number): Promise<StoppedRelay> {
  const { dataDir, store, content } = config;
  if (store !== "") {
    throw new StartError(
      "The ledger at STORE may have relays that run: add to one of them, with --relay.",
    );
  }
  const ledgerFile = join(dataDir, "ledger.db");
  await access(ledgerFile).catch(() => {
    throw new StartError(
      `There is no ledger at ${ledgerFile}: no relay has served it there; DATA_DIR says where the relay keeps its files.`,
    );
  });
  const folder = await openDataFolder(dataDir, { isShared: false, bucket: content });
  const closers: (() => unknown)[] = [folder.unlock];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const opened = await openLedgerBeside({ store, path: folder.ledger });
    closers.push(opened.close);
    const { comparison, close: closeComparison } = openComparison();
    closers.push(closeComparison);
    const { content: place } = folder;
    return {
      ...(await openKept({ config, clock, ledger: opened.ledger, place, comparison })),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

type Kept = {
  readonly config: Config;
  readonly clock: () => number;
  readonly ledger: Ledger;
  readonly place: ObjectsPlace;
  readonly comparison: ComparisonThread;
};

async function openKept({
  config,
  clock,
  ledger: { history, status },
  place,
  comparison,
}: Kept): Promise<Omit<StoppedRelay, "close">> {
  const where = placeName(config);
  const objects = openObjects(place);
  const blobs = openPublicBlobs(objects);
  const files = openAdditionFiles(objects);
  const identity = await openOwnIdentity(objects, where, status);
  const context = { history, blobs, damage: createDamage(blobs), identity, clock };
  const recipes = new Map((await history.models()).map((row) => [row.id, readRecipe(row)]));

  async function add(plan: DataPlan, { reason, shards, onProgress }: AddingToStopped) {
    const recipe = recipes.get(plan.model);
    assert(recipe !== undefined, `no model ${plan.model}`);
    await checkHeldOut({ status, heldOut: openHeldOutStore(objects) }, recipe);
    const id = await sha256(encodeCanonical(plan));
    try {
      await files.open(id, plan);
      for await (const { sha256, bytes } of chunksOfShards(shards())) {
        await files.put(id, sha256, bytes);
      }
      const addedBy = { maintainer: AT_THE_MACHINE, reason };
      return await addData(context, { id, plan, recipe, place, comparison, addedBy, onProgress });
    } finally {
      await files.remove(id);
    }
  }
  return {
    recipe: (model) => recipes.get(model),
    async blob(id) {
      const bytes = await blobs.read(id);
      if (bytes !== null) return bytes;
      throw new StartError(
        `A file of ${where} is missing or damaged, ${id}: put a backup in its place.`,
      );
    },
    async addData(plan, adding) {
      try {
        return await add(plan, adding);
      } catch (error) {
        if (isStorageFull(error)) throw new StartError(fullSentence(config.dataDir));
        throw error;
      }
    },
  };
}
