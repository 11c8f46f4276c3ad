import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import * as z from "zod/mini";
import { verifyId } from "../../core/crypto/signature.ts";
import { FormatError } from "../../core/errors.ts";
import { actId } from "../../core/history/act.ts";
import { recipeHash } from "../../core/history/recipe-change.ts";
import { releaseActsOf } from "../../core/history/release-acts.ts";
import { versionId } from "../../core/history/version.ts";
import { layoutOf } from "../../core/models/registry.ts";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import { signedAct } from "../../core/protocol/schemas/act.ts";
import { hash, releaseTag } from "../../core/protocol/schemas/primitives.ts";
import { recipe } from "../../core/protocol/schemas/recipe.ts";
import { signedVersion } from "../../core/protocol/schemas/version.ts";
import { nameCheckpoint } from "../../core/tensors/manifest.ts";
import { weightsFile } from "../hugging-face.ts";
import { envelopeIn, openEnvelope } from "./envelope.ts";
import { type FileDigest, MODEL_SIGNING, SIGNATURE_FILE, UNSIGNED_NAMES } from "./in-toto.ts";
import { KEY_FILE, RECORD_FILE, TESTS_FILE } from "./release-bundle.ts";
import { releaseKeyPem } from "./release-key.ts";

/** What a release's folder was found to be. */
export type ReleaseReport = {
  readonly model: string;
  readonly tag: string;
  readonly version: number;
  readonly id: string;
  /** The key that vouches for everything: whoever trusts it trusts the release. */
  readonly relayKey: string;
  readonly files: number;
  /** Suites whose test results are signed. */
  readonly suites: number;
};

const MAX_TEXT_BYTES = 64 << 20; // a record with 16,384 merge inputs is 6 MB of JSON

const recordFile = z.strictObject({
  acts: z.tuple([signedAct, signedAct]),
  recipe,
  version: signedVersion,
});
type RecordFile = z.infer<typeof recordFile>;

const signedStatement = z.object({
  predicateType: z.literal(MODEL_SIGNING),
  predicate: z.object({
    resources: z.array(
      z.object({ name: z.string(), algorithm: z.literal("sha256"), digest: hash }),
    ),
    serialization: z.object({ method: z.literal("files"), hash_type: z.literal("sha256") }),
  }),
});

/** Whether a folder looks like a release's. */
export async function isReleaseFolder(folder: string): Promise<boolean> {
  const names: string[] = await readdir(folder).catch(() => []); // no folder: whoever reads it as something else says so
  return names.includes(SIGNATURE_FILE) && names.includes(RECORD_FILE);
}

/**
 * Verify a release's folder (protocol R11) with nothing but its bytes: the relay's key vouches for the release's key and names the
 * version, the release's key signed every file, and the weights are the version's. Throws a FormatError that names the first thing
 * that does not hold.
 */
export async function verifyRelease(folder: string): Promise<ReleaseReport> {
  const record = parseJson(RECORD_FILE, recordFile, await readText(folder, RECORD_FILE));
  const { id, tag, publicKey } = await verifyRecord(record);
  if (new TextDecoder().decode(await readText(folder, KEY_FILE)) !== releaseKeyPem(publicKey)) {
    throw new FormatError(`${KEY_FILE}: not the key that the relay vouches for`);
  }
  const bundle = parseJson(SIGNATURE_FILE, z.unknown(), await readText(folder, SIGNATURE_FILE));
  const statement = openEnvelope(envelopeIn(bundle), publicKey);
  const { predicate } = parseJson(SIGNATURE_FILE, signedStatement, statement);
  const signed = new Map(predicate.resources.map(({ name, digest }) => [name, digest]));
  const files = await digestsIn(folder);
  for (const { name, sha256 } of files) {
    if (!signed.has(name)) throw new FormatError(`${name}: a file that nobody signed`);
    if (signed.get(name) !== sha256) throw new FormatError(`${name}: not the file that was signed`);
  }
  const missing = [...signed.keys()].find((name) => !files.some((file) => file.name === name));
  if (missing !== undefined) throw new FormatError(`${missing}: signed, and not there`);
  await verifyWeights(folder, record, signed);
  const suites = signed.has(TESTS_FILE) ? await verifyTests(folder, publicKey) : 0;
  const { model, number, relayKey } = record.version.record;
  return { model, tag, version: number, id, relayKey, files: files.length, suites };
}

/** Both acts and the version are the same relay's, about the same model, and name each other. */
async function verifyRecord({ acts, recipe, version: { record, signature } }: RecordFile) {
  const { relayKey, model } = record;
  const fail = (problem: string) => new FormatError(`${RECORD_FILE}: ${problem}`);
  const id = await versionId(record);
  if (!(await verifyId("version", id, signature, relayKey))) {
    throw fail(`the version is not signed by ${relayKey}`);
  }
  for (const act of acts) {
    const isOwn = act.record.relayKey === relayKey && act.record.model === model;
    if (!isOwn || !(await verifyId("act", await actId(act.record), act.signature, relayKey))) {
      throw fail(`an act is not signed by ${relayKey} for ${model}`);
    }
  }
  const { deed } = acts[1].record;
  const found = deed.kind === "release" ? releaseActsOf(acts, deed.tag) : null;
  if (deed.kind !== "release" || found === null) throw fail("no act makes this a release");
  if (deed.version.id !== id) throw fail(`release ${deed.tag} is another version`);
  if ((await recipeHash(recipe)) !== found.recipe) throw fail("the recipe is not the release's");
  return { id, tag: releaseTag.parse(deed.tag), publicKey: found.publicKey };
}

/** The weights as they lie in the file are the version's checkpoint, and the file is written as a release writes it. */
async function verifyWeights(
  folder: string,
  { recipe, version: { record } }: RecordFile,
  signed: ReadonlyMap<string, string>,
): Promise<void> {
  const layout = layoutOf(recipe.architecture);
  // its size follows from the layout, before anything is read
  const empty = weightsFile({ recipe, layout, parameters: new Float32Array(0) }, "f32");
  const path = join(folder, empty.name);
  const { size } = await stat(path);
  if (size !== empty.sizeBytes) {
    throw new FormatError(`${empty.name}: ${size} bytes, and the model has ${empty.sizeBytes}`);
  }
  const bytes = await readFile(path);
  const parameters = new Float32Array(Uint8Array.from(bytes.subarray(-4 * layout.size)).buffer);
  if (!parameters.every(Number.isFinite)) {
    throw new FormatError(`${empty.name}: a weight that is not finite`);
  }
  const { id } = await nameCheckpoint(layout, parameters);
  if (id !== record.checkpoint) {
    throw new FormatError(
      `${empty.name}: checkpoint ${id}, and the version is ${record.checkpoint}`,
    );
  }
  const hash = createHash("sha256");
  for (const block of weightsFile({ recipe, layout, parameters }, "f32").blocks())
    hash.update(block);
  if (hash.digest("hex") !== signed.get(empty.name)) {
    throw new FormatError(`${empty.name}: its header is not the model's`);
  }
}

/** How many lines of test results `publicKey` signed: all of them. */
async function verifyTests(folder: string, publicKey: string): Promise<number> {
  const text = new TextDecoder().decode(await readText(folder, TESTS_FILE));
  const lines = text.trimEnd().split("\n");
  for (const line of lines) {
    openEnvelope(parseJson(TESTS_FILE, z.unknown(), new TextEncoder().encode(line)), publicKey);
  }
  return lines.length;
}

async function readText(folder: string, name: string): Promise<Uint8Array> {
  const path = join(folder, name);
  const size = await stat(path).then(
    (found) => found.size,
    () => null, // missing
  );
  if (size === null) throw new FormatError(`${name}: missing`);
  if (size > MAX_TEXT_BYTES) throw new FormatError(`${name}: ${size} bytes > ${MAX_TEXT_BYTES}`);
  return readFile(path);
}

/** All files that a model's signature is about; anything else than a file at the top of the folder is nobody's. */
async function digestsIn(folder: string): Promise<FileDigest[]> {
  const files: FileDigest[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const { name } = entry;
    if (name === SIGNATURE_FILE || UNSIGNED_NAMES.some((unsigned) => unsigned === name)) continue;
    if (!entry.isFile()) throw new FormatError(`${name}: no file, and nobody signed it`);
    const hash = createHash("sha256");
    await pipeline(createReadStream(join(folder, name)), hash);
    files.push({ name, sha256: hash.digest("hex") });
  }
  return files;
}
