import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod/mini";
import { sha256 } from "../../core/crypto/signature.ts";
import type { HistorySource } from "../../core/history/history-source.ts";
import { decodeVersion, encodeVersion } from "../../core/history/version.ts";
import { encodeCanonical, parseJson } from "../../core/protocol/canonical-json.ts";
import { RelayError } from "../../core/protocol/relay-error.ts";
import { signedAct } from "../../core/protocol/schemas/act.ts";
import { keyframeManifest } from "../../core/protocol/schemas/checkpoint.ts";
import { count, hash, modelId } from "../../core/protocol/schemas/primitives.ts";
import { modelCard, shardLedger } from "../../core/protocol/schemas/status.ts";
import { readFileIfAny, writeFileAtomic } from "../atomic-file.ts";

/**
 * A model's public record in a folder: `record.json`, `versions/N.json` as a relay serves them, and `blobs/<sha256>`:
 * the manifest and chunks of version 0, masks and patches. All of it follows from a relay, and nothing of it is trusted.
 */
const recordFile = z.object({
  format: z.literal("commonweight.record/1"),
  model: modelId,
  /** Origin of the relay that it was cloned from. */
  relay: z.string(),
  /** Number of the newest version. */
  head: count,
  card: modelCard,
  shards: shardLedger,
  /** Folders from before there were acts have none. */
  acts: z._default(z.array(signedAct), []),
  /** Blob of version 0's manifest; where there is none, it is the one that the checkpoint is called by. */
  base: z.optional(hash),
});
export type RecordFile = z.infer<typeof recordFile>;

const MODE = 0o644; // everybody may read what is public

export async function readRecordFile(folder: string): Promise<RecordFile> {
  const record = await recordFileIn(folder);
  if (record !== null) return record;
  throw new Error(`${folder} is no folder that "commonweight clone" made.`);
}

/** Null where the folder has none, or is not there. */
export async function recordFileIn(folder: string): Promise<RecordFile | null> {
  const path = join(folder, "record.json");
  const bytes = await readFileIfAny(path);
  return bytes === null ? null : parseJson(path, recordFile, bytes);
}

export async function writeRecordFile(folder: string, record: RecordFile): Promise<void> {
  await writeFileAtomic(join(folder, "record.json"), `${JSON.stringify(record)}\n`, MODE);
}

/** Reads the record in `folder`; what is damaged or missing is a RelayError, as at a relay. */
export function folderSource(
  folder: string,
  { model, head, acts, card, shards, base }: RecordFile,
): HistorySource {
  async function version(number: number) {
    const bytes = await readFileIfAny(versionPath(folder, number));
    if (bytes === null) throw missing("version-unknown", `no version ${number} in ${folder}`);
    return decodeVersion(bytes);
  }
  async function blob(id: string) {
    const bytes = await readFileIfAny(blobPath(folder, id));
    if (bytes === null) throw missing("blob-unknown", `no blob ${id} in ${folder}`);
    const found = await sha256(bytes);
    if (found !== id) throw missing("blob-damaged", `blob ${id}: its bytes hash to ${found}`);
    return bytes;
  }
  return {
    model,
    head: async () => head,
    version,
    blob,
    async baseManifest() {
      const id = base ?? (await version(0)).record.checkpoint;
      return parseJson("manifest", keyframeManifest, await blob(id));
    },
    acts: async () => acts,
    recipe: async () => card.recipe,
    shards: async () => shards.shards,
    plan: null,
  };
}

/** `source`, of which everything that is read is kept in `folder`; blobs that it has are not asked for again. */
export async function keepingSource(source: HistorySource, folder: string): Promise<HistorySource> {
  await mkdir(join(folder, "versions"), { recursive: true });
  await mkdir(join(folder, "blobs"), { recursive: true });
  return {
    ...source,
    async version(number, options) {
      const version = await source.version(number, options);
      await writeFileAtomic(versionPath(folder, number), encodeVersion(version), MODE);
      return version;
    },
    async baseManifest(options) {
      const manifest = await source.baseManifest(options);
      const bytes = encodeCanonical(manifest);
      await writeFileAtomic(blobPath(folder, await sha256(bytes)), bytes, MODE);
      return manifest;
    },
    async blob(id, options) {
      const kept = await readFileIfAny(blobPath(folder, id));
      if (kept !== null && (await sha256(kept)) === id) return kept;
      const bytes = await source.blob(id, options);
      await writeFileAtomic(blobPath(folder, id), bytes, MODE);
      return bytes;
    },
  };
}

/** A number, or an id that a schema has checked: neither can leave the folder. */
const versionPath = (folder: string, number: number) => join(folder, "versions", `${number}.json`);
const blobPath = (folder: string, id: string) => join(folder, "blobs", id);

function missing(code: string, message: string): RelayError {
  return new RelayError(code, "discard", message);
}
