import { beforeAll, describe, expect, test } from "vitest";
import { generateKeyPair, type KeyPair, publicKeyHex, signId } from "../crypto/signature.ts";
import { FormatError } from "../errors.ts";
import type {
  MergeInputRecord,
  SignedVersion,
  VersionRecord,
} from "../protocol/schemas/version.ts";
import {
  type ChainContributions,
  decodeVersion,
  encodeVersion,
  followContributions,
  signVersion,
  type VerifiedVersion,
  verifyVersion,
  versionId,
} from "./version.ts";

const report = { examples: 100, lossNats: 0.5, accuracy: 0.875 };
const origin: VersionRecord = {
  format: "commonweight.version/1",
  model: "digits",
  number: 0,
  parent: null,
  createdAt: 1_700_000_000_000,
  relayKey: "11".repeat(32),
  checkpoint: "22".repeat(32),
  mask: { kind: "random", seed: "33".repeat(16), count: 10 },
  merge: null,
  evaluation: { report, gate: null },
};

let relay: KeyPair;
let relayKey: string;
let contributor: KeyPair;
/** Version 0, and a version 1 that merges two contributions. */
let base: VerifiedVersion;
let next: VersionRecord;

async function input(
  contribution: string,
  change: Partial<MergeInputRecord> = {},
): Promise<MergeInputRecord> {
  return {
    contribution,
    contributor: await publicKeyHex(contributor),
    signature: await signId("contribution", contribution, contributor.privateKey),
    base: 0,
    multiplier: 4096,
    ...change,
  };
}

beforeAll(async () => {
  relay = await generateKeyPair(false);
  contributor = await generateKeyPair(false);
  relayKey = await publicKeyHex(relay);
  const record = { ...origin, relayKey };
  base = { id: await versionId(record), record };
  const inputs = [await input("aa".repeat(32)), await input("bb".repeat(32))];
  next = {
    ...record,
    number: 1,
    parent: base.id,
    checkpoint: "44".repeat(32),
    merge: { rule: "mean", outerStep: 1, denominator: "4096*coverage", inputs },
    evaluation: {
      report,
      gate: { decision: "pass", examples: 50, meanDifferenceNats: -0.01, evaluations: 1 },
    },
  };
});

const merging = (...inputs: MergeInputRecord[]) => ({ merge: { ...next.merge!, inputs } });

/** What verifying says of version 1 with `change`, signed properly. */
async function faultOf(
  change: Partial<VersionRecord>,
  parent: VerifiedVersion | null = base,
  contributions: ChainContributions = new Map(),
) {
  const verdict = await verifyVersion(
    await signVersion({ ...next, ...change }, relay.privateKey),
    parent,
    relayKey,
    contributions,
  );
  return verdict.ok ? "ok" : verdict.fault;
}

// From tests/golden/formats.py, a second implementation.
test("V1: the id is the SHA-256 of the record's RFC 8785 form", async () => {
  expect(await versionId(origin)).toBe(
    "464c7817b0d96d63bb7773dbc8c3a2bf0d9a6e16e6a1c3277166389967ec5a37",
  );
});

test("V1: the stored bytes decode to the version, and no other bytes do", async () => {
  const version = await signVersion(next, relay.privateKey);
  const bytes = encodeVersion(version);
  expect(decodeVersion(bytes)).toEqual(version);
  const text = new TextDecoder().decode(bytes);
  for (const other of [`${text}\n`, ` ${text}`, JSON.stringify(version), text.slice(0, -1)]) {
    expect(() => decodeVersion(new TextEncoder().encode(other))).toThrow(FormatError);
  }
  const more = new TextEncoder().encode(text.replace('{"record"', '{"more":1,"record"'));
  expect(() => decodeVersion(more)).toThrow("version: ");
});

test("V2: version 0 and the one after it are verified", async () => {
  const zero = await verifyVersion(
    await signVersion(base.record, relay.privateKey),
    null,
    relayKey,
    new Map(),
  );
  expect(zero).toEqual({ ok: true, version: base });
  const one = await verifyVersion(
    await signVersion(next, relay.privateKey),
    base,
    relayKey,
    new Map(),
  );
  expect(one).toEqual({ ok: true, version: { id: await versionId(next), record: next } });
});

describe("V3: a version that does not continue its parent's chain is refused", () => {
  test("chain: another parent, none, or one for version 0", async () => {
    expect(await faultOf({ parent: "55".repeat(32) })).toBe("chain");
    expect(await faultOf({ parent: null })).toBe("chain");
    expect(await faultOf({}, null)).toBe("chain");
    const changed = { ...base, id: await versionId({ ...base.record, createdAt: 1 }) };
    expect(await faultOf({}, changed)).toBe("chain");
  });
  test("number: a gap or a repetition", async () => {
    expect(await faultOf({ number: 2 })).toBe("number");
    expect(await faultOf({ number: 0 })).toBe("number");
  });
  test("model: another model's", async () => {
    expect(await faultOf({ model: "presidents" })).toBe("model");
  });
  test("origin: a later version without change or gate, or with two changes, a version 0 with any", async () => {
    expect(await faultOf({ merge: null })).toBe("origin");
    expect(await faultOf({ evaluation: { report, gate: null } })).toBe("origin");
    expect(await faultOf({ number: 0, parent: null }, null)).toBe("origin");
    const revert = { contributions: ["aa".repeat(32)] };
    expect(await faultOf({ revert })).toBe("origin");
    const zero = { number: 0, parent: null, merge: null, evaluation: { report, gate: null } };
    expect(await faultOf({ ...zero, revert }, null)).toBe("origin");
    expect(await faultOf(zero, null)).toBe("ok");
  });
});

describe("V4: a version that the relay did not sign is refused", () => {
  test("key: it names another key than the expected one", async () => {
    expect(await faultOf({ relayKey: "11".repeat(32) })).toBe("key");
  });
  test("signature: by another key, of another record, or for another purpose", async () => {
    const forged = async (signature: string): Promise<string> => {
      const version: SignedVersion = { record: next, signature };
      const verdict = await verifyVersion(version, base, relayKey, new Map());
      return verdict.ok ? "ok" : verdict.fault;
    };
    const id = await versionId(next);
    expect(await forged(await signId("version", id, contributor.privateKey))).toBe("signature");
    expect(await forged(await signId("version", base.id, relay.privateKey))).toBe("signature");
    expect(await forged(await signId("ticket", id, relay.privateKey))).toBe("signature");
    expect(await forged(await signId("version", id, relay.privateKey))).toBe("ok");
  });
});

describe("V5: a version with merge inputs that are not in order, too new or unsigned is refused", () => {
  test("input-order: contributions that do not ascend, or one twice", async () => {
    const [a, b] = [await input("aa".repeat(32)), await input("bb".repeat(32))];
    expect(await faultOf(merging(a, b))).toBe("ok");
    expect(await faultOf(merging(b, a))).toBe("input-order");
    expect(await faultOf(merging(a, a))).toBe("input-order");
  });
  test("input-base: trained on this version or a later one", async () => {
    expect(await faultOf(merging(await input("aa".repeat(32), { base: 1 })))).toBe("input-base");
  });
  test("input-repeated: merged before in this chain, also if it was reverted since", async () => {
    for (const state of ["merged", "reverted"] as const) {
      const before = new Map([["bb".repeat(32), state]]);
      expect(await faultOf({}, base, before)).toBe("input-repeated");
    }
  });
  test("input-signature: not by the contributor, or for another purpose", async () => {
    const id = "aa".repeat(32);
    const another = await input(id, { contributor: relayKey });
    expect(await faultOf(merging(another))).toBe("input-signature");
    const signature = await signId("request", id, contributor.privateKey);
    expect(await faultOf(merging(await input(id, { signature })))).toBe("input-signature");
  });
});

describe("V7: a version that reverts takes out what is part of the model, and nothing else", () => {
  const [a, b] = ["aa".repeat(32), "bb".repeat(32)];
  const reverting = (...contributions: string[]) => ({ merge: null, revert: { contributions } });

  test("contributions that earlier versions merged, in order", async () => {
    const contributions = new Map<string, "merged" | "reverted">();
    followContributions(contributions, next);
    expect(await faultOf(reverting(a), base, contributions)).toBe("ok");
    expect(await faultOf(reverting(a, b), base, contributions)).toBe("ok");
    expect(await faultOf(reverting(b, a), base, contributions)).toBe("revert-order");
    expect(await faultOf(reverting(a, a), base, contributions)).toBe("revert-order");
  });
  test("without a gate: a maintainer insisted", async () => {
    const contributions = new Map<string, "merged" | "reverted">();
    followContributions(contributions, next);
    const insisted = { ...reverting(a), evaluation: { report, gate: null } };
    expect(await faultOf(insisted, base, contributions)).toBe("ok");
  });
  test("revert-unknown: never merged, or reverted before", async () => {
    expect(await faultOf(reverting(a))).toBe("revert-unknown");
    const contributions = new Map<string, "merged" | "reverted">();
    followContributions(contributions, next);
    followContributions(contributions, { ...next, ...reverting(a) });
    expect(await faultOf(reverting(a), base, contributions)).toBe("revert-unknown");
    expect(await faultOf(reverting(b), base, contributions)).toBe("ok");
  });
  // From tests/golden/formats.py, a second implementation.
  test("V1: the id of a version that reverts", async () => {
    const record = { ...origin, number: 1, parent: a, ...reverting(a, b) };
    const gate = {
      decision: "pass",
      examples: 50,
      meanDifferenceNats: -0.25,
      evaluations: 1,
    } as const;
    expect(await versionId({ ...record, evaluation: { report, gate } })).toBe(
      "24f2ded331c8b622a7e65d3e7f485924d3a70441b301b5997ea4e3306d314b27",
    );
  });
});
