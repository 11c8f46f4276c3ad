/** The programs that the page offers for copying, run as they are against a relay. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { predictClasses } from "../../core/models/class-prediction.ts";
import { layoutOf } from "../../core/models/registry.ts";
import { createRelayClient } from "../../core/protocol/client.ts";
import { decodeCheckpointFile } from "../../core/tensors/checkpoint-file.ts";
import { openBackend } from "../../kernels/backend.ts";
import { hasPython } from "../../tests/fixtures/python.ts";
import { startTestRelay, type TestRelay } from "../../tests/fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import { tinyTextModel, tinyTextRecipe } from "../../tests/fixtures/tiny-text-model.ts";
import { snippetsOf } from "./snippets.ts";

vi.setConfig({ testTimeout: 60_000 }); // starts a relay with its threads
let relay: TestRelay;
beforeAll(async () => {
  await openBackend({ prefer: "cpu" });
});
afterEach(() => relay.remove());

const RUNNERS = {
  Python: { file: "snippet.py", command: "python3" },
  JavaScript: { file: "snippet.mjs", command: process.execPath },
} as const;
const LANGUAGES = hasPython("numpy")
  ? (["Python", "JavaScript"] as const)
  : (["JavaScript"] as const);

/** What a program of `recipe`'s page writes about version 0. */
async function outputOf(
  recipe: typeof tinyRecipe,
  language: keyof typeof RUNNERS,
): Promise<string> {
  const { exportUrl } = createRelayClient({ baseUrl: relay.relay.url, fetch });
  const snippet = snippetsOf(recipe, exportUrl(recipe.id, 0)).find(
    (each) => each.language === language,
  )!;
  const folder = await mkdtemp(join(tmpdir(), "commonweight-snippet-"));
  try {
    const { file, command } = RUNNERS[language];
    await writeFile(join(folder, file), snippet.text);
    return (await promisify(execFile)(command, [join(folder, file)])).stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}

test.each(LANGUAGES)(
  "words: the %s program of a classifier answers as the model does",
  async (language) => {
    relay = await startTestRelay({ source: tinyModel(), seed: "snippets" });
    const { architecture } = tinyRecipe;
    const url = new URL(relay.client.exportUrl("tiny", 0)).pathname;
    const file = new Uint8Array(await (await relay.ask(url)).arrayBuffer());
    const parameters = decodeCheckpointFile("export", file, layoutOf(architecture));
    const pixels = new Uint8Array(16).fill(255);
    const expected = [...(await predictClasses({ architecture, parameters, pixels }))];

    const said = /^version 0 answers (\d) (\[.*\])$/m.exec(await outputOf(tinyRecipe, language));
    const powers = (JSON.parse(said![2]!) as number[]).map(Math.exp);
    const sum = powers.reduce((a, b) => a + b);
    for (const [each, power] of powers.entries()) {
      expect(power / sum).toBeCloseTo(expected[each]!, 5);
    }
    expect(Number(said![1])).toBe(expected.indexOf(Math.max(...expected)));
    expect(new Set(expected).size).toBe(4); // equal ones would show nothing
  },
);

test.each(LANGUAGES)(
  "words: the %s program of any other model lists its tensors",
  async (language) => {
    relay = await startTestRelay({ source: tinyTextModel(), seed: "snippets" });
    const output = await outputOf(tinyTextRecipe, language);
    for (const { name, shape } of layoutOf(tinyTextRecipe.architecture).tensors) {
      const lists = shape
        .map((length) => `${length},? `)
        .join("")
        .trimEnd();
      expect(output).toMatch(new RegExp(`^${name.replaceAll(".", "\\.")} [(\\[ ]+${lists}`, "m"));
    }
  },
);
