import { openDB } from "idb";
import { expect, test } from "vitest";
import { openIndexedDbStore } from "../../../worker/indexed-db-store.ts";
import { pieceOf, testStore } from "../../fixtures/store-suite.ts";

testStore("IndexedDB", openIndexedDbStore);

test("IndexedDB: the private key cannot be read out", async () => {
  const store = await openIndexedDbStore({ name: "private-key", now: () => 1 });
  const { privateKey } = await store.createKeyPair();
  expect(privateKey.extractable).toBe(false);
  await expect(crypto.subtle.exportKey("pkcs8", privateKey)).rejects.toThrow();
  await store.close();
});

test("IndexedDB: a database of the first version keeps what is in it", async () => {
  const first = await openDB("first-version", 1, {
    upgrade(database) {
      database.createObjectStore("keys");
      database.createObjectStore("outbox", { keyPath: "piece.id" });
      database.createObjectStore("pieces", { keyPath: "id" });
      database.createObjectStore("blobs", { keyPath: "sha256" });
      database.createObjectStore("blobUses", { keyPath: "sha256" });
      database.createObjectStore("held", { keyPath: "model" });
    },
  });
  await first.put("pieces", pieceOf(1));
  first.close();
  const store = await openIndexedDbStore({ name: "first-version", now: () => 1 });
  expect(await store.pieces()).toEqual([pieceOf(1)]);
  await store.putDeviceCheck({ fingerprint: "a device", passedAt: 1 });
  expect(await store.deviceCheck()).not.toBeNull();
  await store.close();
});
