import { execFile } from "node:child_process";
import { createPublicKey } from "node:crypto";
import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { bundleFromJSON } from "@sigstore/bundle";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openRepositoryStage, type RepositoryStage } from "../fixtures/repository-stage.ts";
import { unzip } from "../fixtures/unzip.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
const run = promisify(execFile);
let stage: RepositoryStage;
/** Release 1.0.0 of the stage, as the command writes it. */
let folder: string;
beforeAll(async () => {
  stage = await openRepositoryStage();
  folder = join(stage.folder, "tiny-1.0.0");
  const written = await stage.read("release", `${stage.url}/tiny@1.0.0`, "--to", folder);
  expect(written).toMatchObject({ code: 0, errors: [] });
});
afterAll(() => stage.remove());

const text = (name: string, from = folder) => readFile(join(from, name), "utf8");
const json = async (name: string) => JSON.parse(await text(name));
const statementIn = ({ payload }: { payload: string }) =>
  JSON.parse(Buffer.from(payload, "base64").toString());

test("R11: a release is a folder of weights, card, citation, bill of materials, test results and one signature of them all", async () => {
  expect((await readdir(folder)).sort()).toEqual([
    "CITATION.cff",
    "README.md",
    "bom.cdx.json",
    "commonweight.json",
    "config.json",
    "model.safetensors",
    "model.sig",
    "release-key.pem",
    "tests.intoto.jsonl",
  ]);
  const { dsseEnvelope } = await json("model.sig");
  const { subject, predicate } = statementIn(dsseEnvelope);
  expect(subject[0].name).toBe("tiny-1.0.0");
  const names = predicate.resources.map(({ name }: { name: string }) => name);
  expect([...names, "model.sig"].sort()).toEqual((await readdir(folder)).sort());
});

/** What sigstore's own verifier says of a bundle by the folder's key; it knows nothing of Commonweight. */
async function sigstoreVerifies(bundle: object): Promise<void> {
  const { hint } = (await json("model.sig")).verificationMaterial.publicKey;
  const pem = createPublicKey(await text("release-key.pem"));
  const keys = {
    [hint]: {
      rawBytes: pem.export({ type: "spki", format: "der" }),
      keyDetails: 5, // PKIX_ECDSA_P256_SHA_256
      validFor: { start: new Date(0) },
    },
  };
  const none = { mediaType: "", tlogs: [], certificateAuthorities: [], ctlogs: [] };
  const trust = toTrustMaterial({ ...none, timestampAuthorities: [] }, keys);
  const verifier = new Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 0, tsaThreshold: 0 });
  verifier.verify(toSignedEntity(bundleFromJSON(bundle)));
}

test("R11: sigstore's verifier accepts the signature and every test result, and refuses both once a byte is another", async () => {
  const signature = await json("model.sig");
  await sigstoreVerifies(signature);
  const lines = (await text("tests.intoto.jsonl")).trimEnd().split("\n");
  for (const line of lines)
    await sigstoreVerifies({ ...signature, dsseEnvelope: JSON.parse(line) });
  const statement = JSON.stringify({ ...statementIn(signature.dsseEnvelope), subject: [] });
  const payload = Buffer.from(statement).toString("base64");
  const forged = { ...signature, dsseEnvelope: { ...signature.dsseEnvelope, payload } };
  await expect(sigstoreVerifies(forged)).rejects.toThrow("signature verification failed");
});

test("R11: the how-to's lines for python3 and openssl verify the folder, run as they are printed", async () => {
  const howTo = join(import.meta.dirname, "../../docs/how-to/receive-a-release.md");
  const printed = /^ {4}cd digits-1\.0\.0\n(?: {4}.*\n)+/m.exec(await readFile(howTo, "utf8"))![0];
  const lines = printed.replaceAll(/^ {4}/gm, "").replace("digits", "tiny");
  const said = await run("bash", ["-ec", lines], { cwd: stage.folder });
  const files = (await readdir(folder)).filter((name) => name !== "model.sig").sort();
  expect(said.stdout.trim().split("\n")).toEqual([
    ...files.map((name) => `ok ${name}`),
    "Verified OK",
  ]);
});

test("R11: bundle, envelope, statement and predicate are what OpenSSF Model Signing's schemas say, as its own example is", async () => {
  const ajv = new Ajv2020({ strict: false });
  const place = join(import.meta.dirname, "../fixtures/model-signing");
  for (const name of ["predicate", "statement", "envelope", "bundle"]) {
    ajv.addSchema(JSON.parse(await readFile(join(place, `${name}.schema.json`), "utf8")));
  }
  const example = JSON.parse(await readFile(join(place, "key.bundle.json"), "utf8"));
  for (const bundle of [example, await json("model.sig")]) {
    ajv.validate("https://model_signing/bundle/v1.0/schema", bundle);
    expect(ajv.errors).toBeNull();
    ajv.validate("https://model_signing/statement/v1.0/schema", statementIn(bundle.dsseEnvelope));
    expect(ajv.errors).toBeNull();
  }
});

test("R11: test results name the weights, the recipe and the packets, one statement a suite", async () => {
  const lines = (await text("tests.intoto.jsonl")).trimEnd().split("\n");
  const statements = lines.map((line) => statementIn(JSON.parse(line)));
  const { record } = await stage.relay.client.version("tiny", 2);
  const suites = new Set(record.evaluation.gate?.tests?.map(({ suite }) => suite));
  expect(statements).toHaveLength(suites.size);
  const { resources } = statementIn((await json("model.sig")).dsseEnvelope).predicate;
  const weights = resources.find(({ name }: { name: string }) => name === "model.safetensors");
  const [{ deed }] = (await json("commonweight.json")).acts
    .map(({ record }: { record: object }) => record)
    .slice(1);
  for (const { subject, predicateType, predicate } of statements) {
    expect(predicateType).toBe("https://in-toto.io/attestation/test-result/v0.1");
    expect(subject).toEqual([{ name: "model.safetensors", digest: { sha256: weights.digest } }]);
    expect(predicate).toMatchObject({ result: "PASSED", failedTests: [], warnedTests: [] });
    expect(predicate.passedTests[0]).toContain("worse than the parent, version 1, by less than");
    expect(predicate.configuration[0]).toEqual({ name: "recipe", digest: { sha256: deed.recipe } });
  }
});

test("R11: the bill of materials is CycloneDX 1.6 to the letter, with data, shards, licences and whose work is in it", async () => {
  const bom = await text("bom.cdx.json");
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
  expect(await validator.validate(bom)).toBeNull();
  const { metadata, components } = JSON.parse(bom);
  const { shards } = await stage.relay.client.shards("tiny");
  expect(components[0].components).toHaveLength(shards.length);
  expect(components[0].components[0].hashes[0].content).toBe(shards[0]?.sha256);
  const names = metadata.component.authors.map(({ name }: { name: string }) => name);
  expect(names.toSorted()).toEqual(stage.contributors.toSorted());
  expect(metadata.component.version).toBe("1.0.0");
});

test("R11: the relay's zip file has the very files of the command, and both are the same when they are made again", async () => {
  const address = `/api/v1/models/tiny/versions/1.0.0/downloads/release.zip`;
  const zip = unzip(Buffer.from(await (await stage.relay.ask(address)).arrayBuffer()));
  const names = await readdir(folder);
  expect([...zip.keys()].sort()).toEqual(names.map((name) => `tiny-1.0.0/${name}`).sort());
  for (const name of names) {
    expect(zip.get(`tiny-1.0.0/${name}`)?.equals(await readFile(join(folder, name))), name).toBe(
      true,
    );
  }
  const again = join(stage.folder, "again");
  await stage.read("release", `${stage.url}/tiny@1.0.0`, "--to", again);
  expect(await text("model.sig", again)).toBe(await text("model.sig"));
});

test("R11: verify needs nothing but the folder, and names the key that all of it stands on", async () => {
  const { record } = await stage.relay.client.version("tiny", 2);
  const held = await stage.read("verify", folder, "--key", record.relayKey);
  expect(held).toMatchObject({ code: 0, errors: [] });
  expect(held.lines[0]).toBe(
    `✓ ${folder} is release 1.0.0 of tiny: 8 files, as the relay signed them.`,
  );
  expect(held.lines[1]).toBe(`  key ${record.relayKey} (as expected)`);
  const other = await stage.read("verify", folder, "--key", "ab".repeat(32));
  expect(other.code).toBe(1);
  expect(other.errors.join()).toMatch(/does not verify: it is a release of the relay/);
});

const damages: readonly (readonly [what: string, file: string, said: RegExp])[] = [
  ["a weight", "model.safetensors", /model\.safetensors: not the file that was signed/],
  ["the card", "README.md", /README\.md: not the file that was signed/],
  ["a file beside", "extra.bin", /extra\.bin: a file that nobody signed/],
  ["the record", "commonweight.json", /commonweight\.json: /],
  ["the signature", "model.sig", /model\.sig: |envelope: |bundle: /],
];
test.each(damages)(
  "R11: a release in which %s was changed does not verify",
  async (_, file, said) => {
    const copy = join(stage.folder, `damaged-${file}`);
    await cp(folder, copy, { recursive: true });
    const bytes = await readFile(join(copy, file)).catch(() => Buffer.from("x"));
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(join(copy, file), bytes);
    const { code, errors } = await stage.read("verify", copy);
    expect(code).toBe(1);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(said);
  },
);

test("R11: what is no release, or was one before there were bundles, is refused in a sentence, and nothing is written", async () => {
  const to = join(stage.folder, "none");
  const none = await stage.read("release", `${stage.url}/tiny@9.0.0`, "--to", to);
  expect(none.code).toBe(1);
  expect(none.errors.join()).toContain("has no release 9.0.0 with a bundle");
  const number = await stage.read("release", `${stage.url}/tiny@2`, "--to", to);
  expect(number.errors.join()).toContain("name a release of it, such as tiny@1.0.0");
  const there = await stage.read("release", `${stage.url}/tiny@1.0.0`, "--to", folder);
  expect(there.errors).toEqual([`${folder}: there already; name a new folder.`]);
  const served = await stage.relay.ask("/api/v1/models/tiny/versions/2/downloads/release.zip");
  expect(served.status).toBe(404);
  expect(await readdir(stage.folder)).not.toContain("none");
});
