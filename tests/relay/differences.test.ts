/** T13: a reader who is several versions behind loads what they come to, and not each of them. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { layoutOf } from "../../core/models/registry.ts";
import { routes } from "../../core/protocol/routes.ts";
import type { Architecture } from "../../core/protocol/schemas/recipe.ts";
import { errorBody } from "../../core/protocol/schemas/status.ts";
import { decodeDeltaStep } from "../../core/tensors/delta-step.ts";
import { runCommand } from "../fixtures/command.ts";
import { hasPython, runPython } from "../fixtures/python.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";

const VERSIONS = 8;
const architecture: Architecture = { kind: "mlp", inputs: 16, hidden: [400], outputs: 4 };
const recipe = {
  architecture,
  mask: { kind: "random", density: 0.2, epochVersions: VERSIONS } as const, // one mask for all of them
  merge: { ...tinyRecipe.merge, cohortSize: 1 },
  gate: { ...tinyRecipe.gate, marginNats: 2 }, // the eighth version of few examples is no better than the seventh
};

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 }); // a relay with its threads starts first
let relay: TestRelay;
let folder: string;
let stepBytes: number;
beforeAll(async () => {
  relay = await startTestRelay({ source: tinyModel(recipe) });
  folder = await mkdtemp(join(tmpdir(), "commonweight-difference-"));
  const volunteer = await createVolunteer(relay.client, { ...tinyRecipe, ...recipe });
  for (let version = 0; version < VERSIONS; version++) {
    const { id, bytes, signature } = await contribute(volunteer, relay.now());
    await relay.client.putContribution(id, bytes, signature);
    const { state, reason } = await relay.decided(id);
    if (state !== "merged") throw new Error(`${id} is ${state}: ${reason?.message}`);
  }
  const { steps } = await relay.client.checkpoint("tiny", VERSIONS, { from: 0 });
  stepBytes = steps.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
});
afterAll(async () => {
  await relay.remove();
  await rm(folder, { recursive: true });
});

const exported = async (version: string) =>
  Buffer.from(await (await relay.ask(routes.exported("tiny", version))).arrayBuffer());

test("T5: a version on a random mask is served as codes and the mask's name", async () => {
  const { steps } = await relay.client.checkpoint("tiny", 1, { from: 0 });
  const bytes = await relay.client.blob(steps[0]!.sha256);
  const { size } = layoutOf(architecture);
  const { masks } = decodeDeltaStep(bytes, new Float32Array(size));
  const { mask } = (await relay.client.version("tiny", 0)).record;
  expect(masks).toEqual([mask]);
});

test("T13: several versions come in one go for less than their steps, and become the full download", async () => {
  const file = join(folder, "tiny.safetensors");
  const pull = async (version: string) => {
    const address = `${relay.relay.url}/tiny${version}`;
    const said = await runCommand("pull", address, file, "--json", "--pins", `${file}.pins`);
    expect(said).toMatchObject({ code: 0, errors: [] });
    return JSON.parse(said.lines.join()).loadedBytes;
  };
  await pull("@0");
  const loadedBytes = await pull("");
  expect(loadedBytes).toBeGreaterThan(0);
  expect(loadedBytes).toBeLessThan(stepBytes);
  expect(await readFile(file)).toEqual(await exported("head"));
});

test.skipIf(!hasPython("numpy", "cryptography"))(
  "T13: a program in another language goes the same way",
  async () => {
    const script = fileURLToPath(new URL("../../scripts/pull.py", import.meta.url));
    const file = join(folder, "python.safetensors");
    for (const version of ["@0", ""]) {
      const said = await runPython(script, relay.relay.url, `tiny${version}`, file);
      expect(said).toMatchObject({ code: 0, errors: "" });
    }
    expect(await readFile(file)).toEqual(await exported("head"));
  },
);

test("T13: a difference goes on where its download ended", async () => {
  const path = routes.download("tiny", "head", "since-0.safetensors");
  const whole = await relay.ask(path);
  const bytes = Buffer.from(await whole.arrayBuffer());
  const headers = { range: "bytes=100-", "if-range": whole.headers.get("etag") ?? "" };
  const rest = await relay.ask(path, { headers });
  expect(rest.status).toBe(206);
  expect(Buffer.from(await rest.arrayBuffer())).toEqual(bytes.subarray(100));
});

test.each([
  { name: "few steps", from: "head", to: "since-5", says: "the steps are too few" },
  { name: "steps to an earlier version", from: "1", to: "since-4", says: "the steps are too few" },
  {
    name: "steps from a version that is yet to come",
    from: "head",
    to: "since-99",
    says: "too few",
  },
  { name: "steps that are smaller", from: "4", to: "since-0", says: "bytes, the steps" },
  { name: "a name that is none", from: "head", to: "since-1e1", says: "tiny can be had as" },
])("T13: the relay has no difference of $name", async ({ from, to, says }) => {
  const answer = await relay.ask(routes.download("tiny", from, `${to}.safetensors`));
  expect(answer.status).toBe(404);
  expect(errorBody.parse(await answer.json()).error.message).toContain(says);
});
