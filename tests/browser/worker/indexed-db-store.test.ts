import { expect, test } from "vitest";
import { openIndexedDbStore } from "../../../worker/indexed-db-store.ts";
import { testStore } from "../../fixtures/store-suite.ts";

testStore("IndexedDB", openIndexedDbStore);

test("IndexedDB: the private key cannot be read out", async () => {
  const store = await openIndexedDbStore({ name: "private-key", now: () => 1 });
  const { privateKey } = await store.createKeyPair();
  expect(privateKey.extractable).toBe(false);
  await expect(crypto.subtle.exportKey("pkcs8", privateKey)).rejects.toThrow();
  await store.close();
});
