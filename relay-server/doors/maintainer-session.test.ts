import { beforeAll, expect, test } from "vitest";
import { generateKeyPair, publicKeyHex } from "../../core/crypto/signature.ts";
import { deriveReleaseKey } from "../../export/release/release-key.ts";
import type { Identity } from "../identity.ts";
import { openMaintainerSession, sealSession } from "./maintainer-session.ts";

const session = { tokenHash: "ab".repeat(32), until: 1_700_000_000_000 };
let identity: Identity;
beforeAll(async () => {
  identity = await newIdentity();
});

async function newIdentity(): Promise<Identity> {
  const keys = await generateKeyPair(false);
  const releaseKey = deriveReleaseKey(new Uint8Array(48));
  return { publicKey: await publicKeyHex(keys), privateKey: keys.privateKey, releaseKey };
}

test("a session that the relay sealed opens until its time is over", async () => {
  const value = await sealSession(session, identity);
  expect(await openMaintainerSession(value, identity, session.until - 1)).toEqual(session);
  expect(await openMaintainerSession(value, identity, session.until)).toBeNull();
});

test("another relay's session, another token's, a longer one and garbage do not open", async () => {
  const value = await sealSession(session, identity);
  const now = session.until - 1;
  for (const forged of [
    await sealSession(session, await newIdentity()),
    value.replace("ab", "cd"),
    value.replace("17", "18"),
    value.slice(0, -1),
    `${value}0`,
    "",
    ".".repeat(10_000),
  ]) {
    expect(await openMaintainerSession(forged, identity, now)).toBeNull();
  }
});
