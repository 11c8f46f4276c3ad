import { expect, test } from "vitest";
import {
  rewriteFrom,
  type SignedHistory,
  signedHistory,
} from "../../tests/fixtures/signed-history.ts";
import { encodeCanonical } from "../protocol/canonical-json.ts";
import type { Ancestor, VersionRecord } from "../protocol/schemas/version.ts";
import { verifyHistory } from "./verify-history.ts";
import { versionId } from "./version.ts";

/** A version of `history` as a fork names it. */
async function ancestorIn({ versions }: SignedHistory, number: number): Promise<Ancestor> {
  const { record, signature } = versions[number]!;
  const { relayKey, model } = record;
  const words = { licence: "CC0-1.0", url: "https://upstream.example" };
  return { relayKey, model, number, id: await versionId(record), signature, ...words };
}

/** A history whose version 0 says that it began as `lineage`, of which `known` are the records that readers get. */
async function forkOf(
  lineage: readonly Ancestor[],
  known: readonly VersionRecord[],
  checkpoint?: string,
): Promise<SignedHistory> {
  const fork = await signedHistory([{ merge: 1 }]);
  for (const record of known) fork.blobs.set(await versionId(record), encodeCanonical(record));
  await rewriteFrom(fork, 0, (record) => ({
    ...record,
    checkpoint: checkpoint ?? record.checkpoint,
    lineage: [...lineage],
  }));
  return fork;
}

const problemOf = ({ source }: SignedHistory) =>
  verifyHistory(source, { pin: null }).then(
    () => null,
    (error: { fault: string; message: string }) => `${error.fault}: ${error.message}`,
  );

test("V14: a fork's version 0 is the version that it names, or the reader is told", async () => {
  const upstream = await signedHistory([{ merge: 1 }]); // its version 0 has the same parameters as the fork's
  const ancestor = await ancestorIn(upstream, 0);
  const { record } = upstream.versions[0]!;
  const fork = await forkOf([ancestor], [record]);
  expect(await problemOf(fork)).not.toMatch(/^lineage/); // its patch names the version 0 that was signed first

  const later = await ancestorIn(upstream, 1);
  expect(await problemOf(await forkOf([later], [upstream.versions[1]!.record]))).toMatch(
    /^lineage: version 0: upstream: version 1 of tiny has checkpoint [0-9a-f]{64}, and this one /,
  );
  expect(await problemOf(await forkOf([ancestor], []))).toMatch(/^missing: version 0: no blob /);
  expect(await problemOf(await forkOf([{ ...ancestor, number: 1 }], [record]))).toMatch(
    /^lineage: .* is version 0 of tiny, not 1 of tiny$/,
  );
  const unsigned = { ...ancestor, signature: later.signature };
  expect(await problemOf(await forkOf([unsigned], [record]))).toMatch(
    /^lineage: .*version 0 of tiny is not signed by /,
  );
});

test("V14: no model goes back to itself, and only version 0 says what it began as", async () => {
  const upstream = await signedHistory([{ merge: 1 }]);
  const ancestor = await ancestorIn(upstream, 0);
  const { record } = upstream.versions[0]!;
  const twice = await forkOf([ancestor, { ...ancestor, number: 3 }], [record]);
  expect(await problemOf(twice)).toMatch(/^lineage: .*it goes back to tiny of .* in a circle$/);

  const own = await signedHistory([{ merge: 1 }]);
  const self = await ancestorIn(own, 0);
  await rewriteFrom(own, 0, (each) => ({ ...each, lineage: [self] }));
  expect(await problemOf(own)).toMatch(/^lineage: .* in a circle$/);

  const late = await signedHistory([{ merge: 1 }]);
  await rewriteFrom(late, 1, (each) => ({ ...each, lineage: [ancestor] }));
  expect(await problemOf(late)).toBe(
    "lineage: version 1: only version 0 says what a history was forked from",
  );
});
