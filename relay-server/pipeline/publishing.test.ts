import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sha256 } from "../../core/crypto/signature.ts";
import type { Candidate } from "../../core/merge/candidate.ts";
import { openPublicBlobs } from "../blobs/public-blobs.ts";
import type { RelayContext } from "../context.ts";
import type { Head } from "./head.ts";
import type { Attestation } from "./judge.ts";
import type { Member } from "./member.ts";
import { publishCandidate } from "./publishing.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-publishing-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("H6: of a cohort whose member was refused while it was merged, no patch stays public", async () => {
  const blobs = openPublicBlobs(join(folder, "blobs"), folder);
  const bytes = new Uint8Array(1000);
  const waiting = await sha256(bytes);
  const ledger = {
    waitingBytes: async (id: string) => (id === waiting ? bytes : undefined),
    contribution: async () => ({ version: null }),
  };
  const context = { blobs, ledger } as unknown as RelayContext; // it does not come to the rest
  const members = [{ id: waiting }, { id: "0".repeat(64) }];
  const candidate = { members } as unknown as Candidate<Member>;
  const outcome = publishCandidate(context, {} as Head, candidate, {} as Attestation, 1);
  expect(await outcome).toBe("not-waiting");
  expect([await blobs.size(waiting), await blobs.size(waiting, "gzip")]).toEqual([null, null]);
});
