import { decodeHex, encodeHex } from "../../core/hex.ts";
import { commitToSeed, revealedBy } from "../../core/history/reference-seed.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import type { VersionRecord } from "../../core/protocol/schemas/version.ts";
import type { HistoryStore, StatusStore } from "../store/store.ts";
import type { VersionRow } from "../store/tables.ts";

/**
 * Which shards and seeds a version's reference is trained with: nobody outside can tell before work on the version has
 * ended, and a relay that starts anew finds the same.
 */
export type ReferenceSeeds = {
  /** Of the version with this place, 64 hexadecimal digits. */
  seedOf(place: Pick<VersionRow, "model" | "number" | "parent">): Promise<string>;
};

const SECRET = "reference-secret";
const SECRET_BYTES = 32;

/** The seeds that follow from this relay's secret, which is made and kept in the ledger when there is none. */
export async function openReferenceSeeds(
  status: StatusStore,
  random: (sizeBytes: number) => Uint8Array<ArrayBuffer>,
): Promise<ReferenceSeeds> {
  if ((await status.setting(SECRET)) === undefined) {
    await status.putSetting(SECRET, encodeHex(random(SECRET_BYTES)));
  }
  const secret = decodeHex((await status.setting(SECRET)) ?? "");
  const hash = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", secret, hash, false, ["sign"]);
  return {
    async seedOf({ model, number, parent }) {
      const text = new TextEncoder().encode(`reference ${model} ${number} ${parent}`);
      return encodeHex(new Uint8Array(await crypto.subtle.sign("HMAC", key, text)));
    },
  };
}

/**
 * What the record of the version after `parent` says of seeds (protocol V11): it commits to its own and reveals the one that
 * work has ended for. Undefined where the recipe has no references.
 */
export async function referenceRecordOf(
  {
    seeds,
    history,
  }: { readonly seeds: ReferenceSeeds; readonly history: Pick<HistoryStore, "version"> },
  { id: model, score, merge }: Recipe,
  { number, parent }: Pick<VersionRow, "number" | "parent">,
): Promise<VersionRecord["reference"]> {
  if (score.references === 0) return undefined;
  const commitment = await commitToSeed(await seeds.seedOf({ model, number, parent }));
  const ended = revealedBy(number, merge.stalenessLimit);
  const version = ended === null ? undefined : await history.version(model, ended);
  if (version === undefined) return { commitment };
  return {
    commitment,
    revealed: { version: version.number, seed: await seeds.seedOf(version) },
  };
}
