import { setTimeout as pause } from "node:timers/promises";
import { sha256 } from "../../core/crypto/signature.ts";
import type { RelayContext } from "../context.ts";
import { storageAway } from "../storage-error.ts";
import { shardFile } from "./damage.ts";
import { heldOutSetting, suitesOf } from "./held-out-store.ts";

type ScrubContext = Pick<
  RelayContext,
  "history" | "status" | "blobs" | "heldOut" | "models" | "damage"
>;

const PAUSE_MS = 2000; // between files of some MB: a thousandth of a disk's pace, and 100 shards in four minutes

/** Read the shards and held-out sets of every model again and again, slowly, and note which are damaged. */
export function startScrub(context: ScrubContext, onChange: (model: string) => void) {
  const closing = new AbortController();
  const { signal } = closing;
  const rest = () => pause(PAUSE_MS, undefined, { signal, ref: false });
  async function run(): Promise<void> {
    while (!signal.aborted) {
      for (const model of [...context.models.keys()]) {
        const before = context.damage.problem(model);
        await scrubModel(context, model, rest).catch((error: unknown) => {
          if (!signal.aborted && storageAway(error) === null) console.error(error); // the next round looks again
        });
        if (context.damage.problem(model) !== before) onChange(model);
      }
      await rest();
    }
  }
  const running = run().catch(ignoreAbort);
  return {
    async close() {
      closing.abort();
      await running;
    },
  };
}

/** Only a rest ends so, and with it the scrub. */
function ignoreAbort(): void {}

/** Look at each of a model's shards and held-out sets, with `rest` between them. */
export async function scrubModel(
  { history, status, heldOut, models, damage }: ScrubContext,
  model: string,
  rest: () => Promise<unknown>,
): Promise<void> {
  const served = models.get(model);
  if (served === undefined) return;
  for (const suite of suitesOf(served.recipe)) {
    const expected = await status.setting(heldOutSetting(model, suite));
    const bytes = await heldOut.read(model, suite);
    const isSound = bytes !== null && (await sha256(bytes)) === expected; // missing is damaged too
    damage.note({ model, sha256: `${suite} set`, name: `the ${suite} set` }, isSound);
    await rest();
  }
  for (const shard of await history.shards(model)) {
    await damage.read(shardFile(model, shard));
    await rest();
  }
}
