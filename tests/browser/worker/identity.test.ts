/** A key's words in real IndexedDB and under a real Web Lock. */
import { afterEach, expect, test } from "vitest";
import { publicKeyHex } from "../../../core/crypto/signature.ts";
import type { NameRequest } from "../../../core/protocol/schemas/contributor.ts";
import { createIdentity } from "../../../worker/identity/identity.ts";
import { webLock } from "../../../worker/run/web-lock.ts";
import { openIndexedDbStore } from "../../../worker/store/indexed-db-store.ts";

const WORDS = `${"abandon ".repeat(23)}art`;
const UNSEEN = "cd".repeat(32);

let databases = 0;
let release = () => {};
afterEach(() => release());

function openIdentity() {
  databases += 1;
  const name = `identity-${databases}`;
  const named: NameRequest[] = [];
  const openStore = () => openIndexedDbStore({ name, now: () => 7 });
  const identity = createIdentity({
    openStore,
    client: {
      async putName(request) {
        named.push(request);
        return { contributor: request.contributor, name: request.name, blanked: null };
      },
    },
    lock: webLock(navigator.locks),
    now: () => 7,
  });
  return { identity, openStore, named };
}

test("a device's key is brought to another one by its words", async () => {
  const first = openIdentity();
  const second = openIdentity();
  const store = await first.openStore();
  const key = await publicKeyHex(await store.createKeyPair());
  await store.close();
  expect(await first.identity.contributor()).toBe(key);
  const words = await first.identity.words(key);
  expect(words?.split(" ")).toHaveLength(24);
  expect(await second.identity.contributorOf(words!)).toBe(key);
  await second.identity.restore(words!, null);
  expect(await second.identity.contributor()).toBe(key);
  await second.identity.setName("Ada", key);
  expect(second.named).toEqual([{ contributor: key, name: "Ada", issuedAt: 7 }]);
});

test("a browser without a key has neither a name nor words", async () => {
  const { identity } = openIdentity();
  expect(await identity.contributor()).toBeNull();
  await expect(identity.setName("Ada", UNSEEN)).rejects.toThrow("no key yet");
  await expect(identity.words(UNSEEN)).rejects.toThrow("no key yet");
});

test("a key that its visitor has not seen is neither named, nor shown, nor replaced", async () => {
  const { identity, openStore, named } = openIdentity();
  const store = await openStore();
  const key = await publicKeyHex(await store.createKeyPair());
  await store.close();
  await expect(identity.setName("Ada", UNSEEN)).rejects.toThrow("another key by now");
  await expect(identity.words(UNSEEN)).rejects.toThrow("another key by now");
  for (const own of [null, UNSEEN]) {
    await expect(identity.restore(WORDS, own)).rejects.toThrow("another key by now");
  }
  expect(named).toEqual([]);
  expect(await identity.contributor()).toBe(key);
  await identity.restore(WORDS, key);
  expect(await identity.contributor()).toBe(await identity.contributorOf(WORDS));
});

test("no key is replaced while a tab trains", async () => {
  const { identity, openStore } = openIdentity();
  const held = Promise.withResolvers<void>();
  await new Promise<void>((resolve) => {
    void navigator.locks.request("commonweight-training", async () => {
      resolve();
      await held.promise;
    });
  });
  release = () => held.resolve();
  await expect(identity.restore(WORDS, null)).rejects.toThrow(
    "This browser is training, or still sends finished work",
  );
  const store = await openStore();
  expect(await store.keyPair()).toBeNull();
  await store.close();
});
