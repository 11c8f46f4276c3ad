import { expect, test } from "vitest";
import { sha256 } from "../../core/crypto/signature.ts";
import { encodeCanonical } from "../../core/protocol/canonical-json.ts";
import { createLayout } from "../../core/tensors/layout.ts";
import { nameCheckpoint, writeKeyframe } from "../../core/tensors/manifest.ts";
import { version } from "../../tests/fixtures/ledger-rows.ts";
import type { VersionRow } from "../store/tables.ts";
import { createCheckpoints } from "./checkpoints.ts";

const SIZE = 1000; // 4,000 bytes in f32, 2,000 in halves
const layout = createLayout([{ name: "w", shape: [SIZE] }]);
const KEYFRAME_EVERY = 16;

/** Where the download of version `number` begins, and how many steps follow, when each step has so many bytes. */
async function beginning(number: number, stepBytes: number, firstValue: number) {
  const kept = new Map<string, Uint8Array<ArrayBuffer>>();
  const put = async (bytes: Uint8Array<ArrayBuffer>) => {
    const id = await sha256(bytes);
    kept.set(id, bytes);
    return id;
  };
  const keyframe = async (at: number, value: number): Promise<VersionRow> => {
    const parameters = new Float32Array(SIZE).fill(value);
    const named = await nameCheckpoint(layout, parameters);
    const manifest = await writeKeyframe(layout, parameters, named, put);
    const narrow = manifest === named.manifest ? null : await put(encodeCanonical(manifest));
    await put(encodeCanonical(named.manifest));
    return { ...version(at), keyframe: 1, checkpoint: named.id, narrow };
  };
  const first = await keyframe(0, firstValue);
  const last = await keyframe(KEYFRAME_EVERY, 1 / 3);
  const history = {
    keyframe: async (_: string, upTo: number) => (upTo < KEYFRAME_EVERY ? first : last),
    async steps(_: string, from: number, to: number, tooMany = Number.POSITIVE_INFINITY) {
      if ((to - from + 1) * stepBytes >= tooMany) return null;
      return Array.from({ length: to - from + 1 }, (__, i) => ({
        ...version(from + i),
        step_bytes: stepBytes,
      }));
    },
  };
  const blobs = { read: async (id: string) => kept.get(id) ?? null };
  const path = await createCheckpoints(history, blobs).downloadPath(version(number));
  const { format } = path.manifest;
  return { at: path.keyframe.number, steps: path.steps.length, form: format.slice(-1) };
}

test.each([
  { number: 9, stepBytes: 100, firstValue: 1, begins: { at: 0, steps: 9, form: "2" } },
  // 2,000 + 25 · 100 bytes against 4,000 + 9 · 100
  { number: 25, stepBytes: 100, firstValue: 1, begins: { at: 0, steps: 25, form: "2" } },
  // 2,000 + 25 · 125 bytes against as many
  { number: 25, stepBytes: 125, firstValue: 1, begins: { at: 16, steps: 9, form: "1" } },
  { number: 25, stepBytes: 200, firstValue: 1, begins: { at: 16, steps: 9, form: "1" } },
  // a base that needs f32 is never the shorter way
  { number: 17, stepBytes: 1, firstValue: 0.1, begins: { at: 16, steps: 1, form: "1" } },
])("H13: version $number with steps of $stepBytes bytes begins at $begins.at", async (given) => {
  const { number, stepBytes, firstValue, begins } = given;
  expect(await beginning(number, stepBytes, firstValue)).toEqual(begins);
});
