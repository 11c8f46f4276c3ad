import { expect, test } from "vitest";
import type { SignedAct } from "../../core/protocol/schemas/act.ts";
import { exportedVersion } from "../../tests/fixtures/exported-version.ts";
import { gpt2 } from "../../tests/fixtures/known-transformers.ts";
import type { ExportFile } from "../export-file.ts";
import { billOfMaterials } from "./bill-of-materials.ts";
import { shardsBefore } from "./release.ts";

const textOf = ({ blocks }: ExportFile) => Buffer.concat([...blocks()]).toString();

test("R11: data that came before the version are a part of their own with their licence, and later ones none", () => {
  const version = exportedVersion(
    gpt2({ vocabulary: 256, context: 8, layers: 1, channels: 4, heads: 1 }),
  );
  const later = [
    { source: "winter.csv", licence: "MIT", examples: 9, first: 1, since: 2 },
    { source: "spring.csv", licence: "MIT", examples: 9, first: 2, since: 3 },
  ];
  const all = ["a", "b", "c"].map((title) => ({ title, sha256: title.repeat(64), examples: 9 }));
  const act = { record: { createdAt: 0 }, signature: "" } as unknown as SignedAct;
  const acts = {
    key: act,
    release: act,
    tag: "1.0.0",
    publicKey: "",
    recipe: "",
    suites: new Map(),
  };
  const bom = billOfMaterials(
    {
      ...version,
      ...{ acts, signature: "", shares: [], sealed: [], openedBefore: undefined },
      ...{ laterData: later, shards: shardsBefore(all, later, version.record.number) },
    },
    { name: "model.safetensors", sha256: "e".repeat(64) },
  );
  const { components, dependencies } = JSON.parse(textOf(bom));
  expect(components.map(({ name }: { name: string }) => name)).toEqual([
    version.recipe.data.source,
    "winter.csv",
  ]);
  expect(components[1]).toMatchObject({
    licenses: [{ license: { id: "MIT" } }],
    components: [{ name: "b", "bom-ref": "shard-1", hashes: [{ content: "b".repeat(64) }] }],
  });
  expect(dependencies[0].dependsOn).toEqual(["data", "data-1"]);
});
