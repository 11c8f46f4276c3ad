/** A base in 16 bits, from the import to every reader. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { routes } from "../../core/protocol/routes.ts";
import { chunksOfManifest } from "../../core/tensors/manifest.ts";
import { halfBase } from "../fixtures/half-base.ts";
import { openRepositoryStage, type RepositoryStage } from "../fixtures/repository-stage.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let stage: RepositoryStage;
beforeAll(async () => {
  stage = await openRepositoryStage("random", {}, halfBase);
});
afterAll(() => stage.remove());

test("T12: version 0 is served in two bytes a parameter, and the f32 chunks are not kept", async () => {
  const { client } = stage.relay;
  const { keyframe, steps } = await client.checkpoint("tiny", 0);
  const { manifest, checkpoint } = keyframe!;
  expect({ format: manifest.format, steps }).toEqual({
    format: "commonweight.checkpoint/2",
    steps: [],
  });
  const sizes = chunksOfManifest(manifest).map(({ sizeBytes }) => sizeBytes);
  expect(sizes).toEqual([2 * halfBase.parameters]);
  const named = JSON.parse(new TextDecoder().decode(await client.blob(checkpoint)));
  expect(named.format).toBe("commonweight.checkpoint/1");
  await expect(client.blob(named.chunks[0])).rejects.toMatchObject({ code: "blob-unknown" });
});

test("T12: verify, clone and pull read it, and the export is the same", async () => {
  const address = `${stage.url}/tiny`;
  const verified = await stage.read("verify", address, "--full", "--json");
  expect(verified).toMatchObject({ code: 0, errors: [] });
  const folder = join(stage.folder, "cloned");
  expect(await stage.read("clone", address, folder)).toMatchObject({ code: 0, errors: [] });
  expect(await stage.read("verify", folder)).toMatchObject({ code: 0, errors: [] });
  for (const [version, name] of [
    ["@0", "0"],
    ["", "head"],
  ] as const) {
    const file = join(stage.folder, `pulled-${name}`);
    const said = await stage.read("pull", `${address}${version}`, file);
    expect(said).toMatchObject({ code: 0, errors: [] });
    const exported = await (await stage.relay.ask(routes.exported("tiny", name))).arrayBuffer();
    expect(await readFile(file)).toEqual(Buffer.from(exported));
  }
});
