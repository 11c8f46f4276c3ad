import { expect, test } from "vitest";
import { generateKeyPair, publicKeyHex } from "../crypto/signature.ts";
import type { ActRecord, SignedAct } from "../protocol/schemas/act.ts";
import { actId, signAct, verifyActs } from "./act.ts";
import type { VerifiedVersion } from "./version.ts";

const relay = await generateKeyPair(false);
const relayKey = await publicKeyHex(relay);
const stranger = await generateKeyPair(false);
const id = (n: number) => n.toString(16).padStart(64, "0");
const chain = [0, 1, 2].map(
  (number) => ({ id: id(number), record: { number, model: "tiny", relayKey } }) as VerifiedVersion,
);

/** Acts of these kinds, each on the version of that number; `change` alters the last one before it is signed. */
async function actsOf(
  kinds: readonly (readonly ["retire" | "unretire", head: number])[],
  change: Partial<ActRecord> = {},
  key = relay.privateKey,
): Promise<SignedAct[]> {
  const acts: SignedAct[] = [];
  for (const [number, [kind, head]] of kinds.entries()) {
    const last = acts.at(-1);
    const isLast = number === kinds.length - 1;
    const record: ActRecord = {
      format: "commonweight.act/1",
      model: "tiny",
      number,
      parent: last === undefined ? null : await actId(last.record),
      createdAt: 1,
      relayKey,
      head: { number: head, id: id(head) },
      reason: `reason ${number}`,
      deed: { kind },
      ...(isLast && change),
    };
    acts.push(await signAct(record, isLast ? key : relay.privateKey));
  }
  return acts;
}

test("R5: retired is what the last act says, with its reason", async () => {
  const standing = async (acts: SignedAct[]) => verifyActs(acts, chain);
  expect(await standing([])).toEqual({ ok: true, standing: { acts: 0, retired: null } });
  const once = await actsOf([["retire", 1]]);
  expect(await standing(once)).toMatchObject({ standing: { acts: 1, retired: "reason 0" } });
  const back = await actsOf([
    ["retire", 1],
    ["unretire", 1],
  ]);
  expect(await standing(back)).toMatchObject({ standing: { acts: 2, retired: null } });
});

test.each([
  ["act-chain", { parent: id(9) }],
  ["act-chain", { number: 5 }],
  ["act-chain", { model: "other" }],
  ["act-signature", { relayKey: id(9) }],
  ["act-version", { head: { number: 2, id: id(9) } }],
  ["act-version", { head: { number: 0, id: id(0) } }],
  ["act-version", { head: { number: 7, id: id(7) } }],
  ["act-order", { deed: { kind: "retire" } }],
] as const)("R4, R5: an act that breaks a rule is found (%s: %o)", async (fault, change) => {
  const acts = await actsOf(
    [
      ["retire", 1],
      ["unretire", 2],
    ],
    change,
  );
  expect(await verifyActs(acts, chain)).toMatchObject({ ok: false, fault });
});

test("R4: an act that another key signed, or that was left out, is found", async () => {
  const kinds = [
    ["retire", 0],
    ["unretire", 0],
    ["retire", 0],
  ] as const;
  const forged = await actsOf(kinds, {}, stranger.privateKey);
  expect(await verifyActs(forged, chain)).toMatchObject({ fault: "act-signature" });
  const [first, , third] = await actsOf(kinds);
  expect(await verifyActs([first!, third!], chain)).toMatchObject({ fault: "act-chain" });
});
