import { createHash } from "node:crypto";
import { FormatError } from "../../core/errors.ts";
import { decodeHex } from "../../core/hex.ts";
import { encodeCanonical } from "../../core/protocol/canonical-json.ts";
import type { ReleaseSeal } from "../../core/protocol/schemas/release.ts";
import { type ExportFile, textFile } from "../export-file.ts";
import { huggingFaceFiles } from "../hugging-face.ts";
import { billOfMaterials } from "./bill-of-materials.ts";
import { citationFile } from "./citation.ts";
import { envelopeIn, openEnvelope, sealStatement, sigstoreBundle } from "./envelope.ts";
import { type FileDigest, modelStatement, SIGNATURE_FILE, testStatements } from "./in-toto.ts";
import type { Release } from "./release.ts";
import { type ReleaseKey, releaseKeyPem } from "./release-key.ts";

export const RECORD_FILE = "commonweight.json";
export const KEY_FILE = "release-key.pem";
export const TESTS_FILE = "tests.intoto.jsonl";

/** A release's files before anybody signs: anyone makes the same from the public record. */
export type ReleaseBody = {
  /** The folder's name. */
  readonly name: string;
  readonly files: readonly ExportFile[];
  readonly digests: readonly FileDigest[];
  /** What the gate's tests are attested by. */
  readonly tests: readonly unknown[];
};

/**
 * The files of a release: the Hugging Face folder in f32 with its card, how to cite it, what it is made of, and the signed records that
 * it stands on. Throws an ExportRefused where transformers has no class for the model.
 */
export function releaseBody(release: Release): ReleaseBody {
  const { recipe, acts, record, signature, shares } = release;
  const exported = { ...release, contributors: shares.length, names: [], relay: null };
  const folder = huggingFaceFiles(exported, "f32");
  const weights = digestOf(folder[0]!); // the weights come first
  const files = [
    ...folder,
    citationFile(release),
    billOfMaterials(release, weights),
    textFile(RECORD_FILE, {
      acts: [acts.key, acts.release],
      recipe,
      version: { record, signature },
    }),
    textFile(KEY_FILE, releaseKeyPem(acts.publicKey)),
  ];
  const digests = files.map((file) => (file === folder[0] ? weights : digestOf(file)));
  return {
    name: `${recipe.id}-${acts.tag}`,
    files,
    digests,
    tests: testStatements(release, weights),
  };
}

/** Sign what `body` says: the same body and key, the same bytes. */
export async function sealRelease(body: ReleaseBody, key: ReleaseKey): Promise<ReleaseSeal> {
  const lines = body.tests.map((test) => `${JSON.stringify(sealStatement(test, key))}\n`);
  const tests = lines.join("");
  const envelope = sealStatement(statementOf(body, tests), key);
  const bundle = await sigstoreBundle(envelope, key.publicKey);
  return { tests, signature: `${JSON.stringify(bundle, null, 2)}\n` };
}

/** All files of a release that was sealed. */
export function sealedFiles({ files }: ReleaseBody, { tests, signature }: ReleaseSeal) {
  return [...files, ...testsFile(tests), textFile(SIGNATURE_FILE, signature)];
}

/** Throws a FormatError unless `publicKey` signed exactly what `body` says. */
export function expectSeal(
  body: ReleaseBody,
  { tests, signature }: ReleaseSeal,
  publicKey: string,
): void {
  const lines = tests === "" ? [] : tests.replace(/\n$/, "").split("\n");
  if (lines.length !== body.tests.length) {
    throw new FormatError(`${TESTS_FILE}: ${lines.length} tests, and ${body.tests.length} passed`);
  }
  for (const [i, line] of lines.entries()) {
    expectStatement(
      TESTS_FILE,
      openEnvelope(parseText(TESTS_FILE, line), publicKey),
      body.tests[i],
    );
  }
  const bundle = parseText(SIGNATURE_FILE, signature);
  const signed = openEnvelope(envelopeIn(bundle), publicKey);
  expectStatement(SIGNATURE_FILE, signed, statementOf(body, tests));
}

function expectStatement(file: string, signed: Uint8Array, expected: unknown): void {
  const bytes = encodeCanonical(expected);
  if (bytes.length === signed.length && bytes.every((byte, i) => byte === signed[i])) return;
  throw new FormatError(`${file}: what is signed is not what the record leads to`);
}

function parseText(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new FormatError(`${file}: no JSON`);
  }
}

function testsFile(tests: string): ExportFile[] {
  return tests === "" ? [] : [textFile(TESTS_FILE, tests)];
}

function statementOf({ name, digests }: ReleaseBody, tests: string): unknown {
  const all = [...digests, ...testsFile(tests).map(digestOf)].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  const root = createHash("sha256");
  for (const { sha256 } of all) root.update(decodeHex(sha256));
  return modelStatement(name, all, root.digest("hex"));
}

function digestOf({ name, blocks }: ExportFile): FileDigest {
  const hash = createHash("sha256");
  for (const block of blocks()) hash.update(block);
  return { name, sha256: hash.digest("hex") };
}
