import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { routes } from "../core/protocol/routes.ts";
import { halfBase, upperHalfBase } from "../tests/fixtures/half-base.ts";
import { hasPython, runPython } from "../tests/fixtures/python.ts";
import { openRepositoryStage, type RepositoryStage } from "../tests/fixtures/repository-stage.ts";

const PULL = fileURLToPath(new URL("./pull.py", import.meta.url));
const here = test.skipIf(!hasPython("numpy", "cryptography"));

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let stage: RepositoryStage;
beforeAll(async () => {
  stage = await openRepositoryStage();
});
afterAll(() => stage.remove());

const exported = async (version: string, { relay } = stage) =>
  Buffer.from(await (await relay.ask(routes.exported("tiny", version))).arrayBuffer());
const pull = (version: string, file: string, { url, folder } = stage) =>
  runPython(PULL, url, `tiny${version}`, join(folder, file));

here("the readers' reference has fewer than 150 lines of code", async () => {
  const text = (await readFile(PULL, "utf8")).replaceAll(/"""[^"]*"""/g, "");
  expect(text.match(/^\s*[^\s#].*$/gm)?.length).toBeLessThan(150);
});

here(
  "the readers' reference brings a file from version to version, as the relay exports them",
  async () => {
    for (const [version, number] of [
      ["@1", "1"],
      ["@1.0.0", "2"],
      ["", "head"],
      ["@2", "2"],
    ] as const) {
      const { code, output, errors } = await pull(version, "python.safetensors");
      expect({ code, errors }).toEqual({ code: 0, errors: "" });
      expect(output).toMatch(/is version \d of tiny, [0-9a-f]{64}$/m);
      const file = await readFile(join(stage.folder, "python.safetensors"));
      expect(file).toEqual(await exported(number));
    }
  },
);

for (const [dtype, base] of [
  ["F16", halfBase],
  ["BF16", upperHalfBase],
] as const) {
  here(`T12: the readers' reference reads a base that is served as ${dtype}`, async () => {
    const narrow = await openRepositoryStage("random", {}, base);
    try {
      const { keyframe, steps } = await narrow.relay.client.checkpoint("tiny", 4);
      expect(keyframe?.manifest.chunks).toMatchObject([{ dtype }]);
      expect(steps).toHaveLength(4);
      for (const version of ["0", "4"]) {
        const file = `narrow-${version}.safetensors`;
        const said = await pull(`@${version}`, file, narrow);
        expect(said).toMatchObject({ code: 0, errors: "" });
        expect(await readFile(join(narrow.folder, file))).toEqual(await exported(version, narrow));
      }
    } finally {
      await narrow.remove();
    }
  });
}

here(
  "the readers' reference refuses another file, version and key, and changes nothing",
  async () => {
    const path = join(stage.folder, "refused.safetensors");
    const other = await exported("1");
    other[other.length - 3]! ^= 1;
    await writeFile(path, other);
    const refused = await pull("", "refused.safetensors");
    expect(refused).toMatchObject({ code: 1, errors: `${path} is not version 1 of tiny\n` });
    expect(await readFile(path)).toEqual(other);
    const absent = await pull("@9", "absent.safetensors");
    expect(absent).toMatchObject({ code: 1, errors: "tiny has no such version; its head is 4\n" });
    await writeFile(`${path}.pin`, JSON.stringify({ relayKey: "ab".repeat(32) }));
    expect((await pull("", "refused.safetensors")).errors).toMatch(/is signed by .*, not abab/);
  },
);
