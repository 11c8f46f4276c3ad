import { expect, test } from "vitest";
import { keepsKeys } from "../../../web/state/key-probe.ts";

const makeKeys = () =>
  crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]) as Promise<CryptoKeyPair>;

test("a browser that keeps a key says so, and nothing is left of the trial", async () => {
  expect(await keepsKeys(indexedDB, await makeKeys())).toBe(true);
  const names = async () => (await indexedDB.databases()).map(({ name }) => name);
  await expect.poll(names).not.toContain("commonweight-probe");
});

test("a database that refuses the key, as in some private windows, keeps none", async () => {
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = () => {
    throw new DOMException("not cloned", "DataCloneError");
  };
  try {
    expect(await keepsKeys(indexedDB, await makeKeys())).toBe(false);
  } finally {
    IDBObjectStore.prototype.put = put;
  }
});
