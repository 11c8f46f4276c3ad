import { expect, test } from "vitest";
import { signedHistory } from "../../tests/fixtures/signed-history.ts";
import { sha256 } from "../crypto/signature.ts";
import { encodeCanonical } from "../protocol/canonical-json.ts";
import type { Shard } from "../protocol/schemas/ticket.ts";
import type { DataStanding } from "./act.ts";
import { verifyData } from "./verify-data.ts";

const { source: history } = await signedHistory([]);
const shard = (index: number): Shard => ({
  index,
  sha256: index.toString(16).padStart(64, "0"),
  sizeBytes: 100,
  examples: 20,
  title: `Part ${index}`,
});
const served = [0, 1, 2, 3].map(shard);

/** What verifying says of data whose list has these `shards`; `change` alters what the act says of them. */
async function faultOf(
  shards: readonly object[],
  change: Partial<DataStanding> = {},
  given: readonly Shard[] = served,
) {
  const bytes = encodeCanonical({ format: "commonweight.shards/1", shards });
  const list = await sha256(bytes);
  const said = { source: "more.csv", licence: "CC0-1.0", removed: { heldOut: 0, known: 0 } };
  const data = { ...said, list, first: 2, shards: 2, examples: 40, since: 0, ...change };
  const source = { ...history, shards: async () => given, blob: async () => bytes };
  return verifyData(source, [data], {}).then(
    () => null,
    ({ fault, message }) => ({ fault, message }),
  );
}

test("R10: a list of added shards is what its act says, and what volunteers are given", async () => {
  const listed = [shard(2), shard(3)];
  expect(await faultOf(listed)).toBeNull();
  expect(await faultOf(listed, { examples: 41 })).toMatchObject({
    fault: "act-data",
    message: "the data of more.csv: their list has 2 shards of 40 examples, and the act 2 of 41",
  });
  expect(await faultOf([shard(2), shard(2)])).toMatchObject({
    fault: "act-data",
    message: "the data of more.csv: shard 2 stands where 3 should",
  });
  expect(await faultOf(listed, {}, served.slice(0, 3))).toMatchObject({ fault: "act-data" });
  const swapped = [...served.slice(0, 3), { ...shard(3), sha256: shard(9).sha256 }];
  expect(await faultOf(listed, {}, swapped)).toMatchObject({
    message: "the data of more.csv: shard 3 that volunteers are given is another one",
  });
  expect(await faultOf([{ ...shard(2), index: -1 }])).toMatchObject({ fault: "malformed" });
});
