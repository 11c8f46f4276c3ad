import { deleteDB, openDB } from "idb";
import { expect, test } from "vitest";
import { generateKeyPair, publicKeyHex } from "../../../core/crypto/signature.ts";
import { connectDatabase } from "../../../worker/store/indexed-db-connection.ts";
import { openIndexedDbStore } from "../../../worker/store/indexed-db-store.ts";
import { pieceOf, testStore } from "../../fixtures/store-suite.ts";

const NEWER = 100; // a database version of a page that is yet to come

testStore("IndexedDB", openIndexedDbStore);

test("IndexedDB: the private key can be kept elsewhere, and one from elsewhere takes its place", async () => {
  const store = await openIndexedDbStore({ name: "private-key", now: () => 1 });
  const made = await store.createKeyPair();
  expect(made.privateKey.extractable).toBe(true);
  const brought = await generateKeyPair(true);
  await store.putKeyPair(brought);
  const kept = await store.keyPair();
  expect(await publicKeyHex(kept!)).toBe(await publicKeyHex(brought));
  expect(await publicKeyHex(await store.createKeyPair())).toBe(await publicKeyHex(brought));
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

test("IndexedDB: a newer page upgrades at once, and work under way is still kept", async () => {
  const settings = { name: "upgraded", now: () => 1 };
  const store = await openIndexedDbStore(settings);
  const entry = {
    bytes: new Uint8Array(3),
    signature: "",
    piece: { ...pieceOf(1), sent: "waiting" as const },
  };
  const newer = await openDB(settings.name, NEWER, {
    upgrade(database) {
      database.createObjectStore("something new");
    },
  });
  await store.putOutbox(entry);
  expect(await store.outbox()).toEqual([entry]);
  expect(await newer.getAll("outbox")).toEqual([entry]);
  await store.close();
  newer.close();
  await expect(openIndexedDbStore(settings)).rejects.toThrow(/^A newer page has changed/);
});

test("IndexedDB: data that is cleared after a newer page's upgrade leaves a database that opens again", async () => {
  const settings = { name: "cleared", now: () => 1 };
  const store = await openIndexedDbStore(settings);
  const newer = await openDB(settings.name, NEWER);
  newer.close();
  await deleteDB(settings.name);
  expect(await store.pieces()).toEqual([]);
  await store.putDeviceCheck({ fingerprint: "a device", passedAt: 1 });
  await store.close();
  const next = await openIndexedDbStore(settings);
  expect(await next.deviceCheck()).not.toBeNull();
  await next.close();
});

test("IndexedDB: a database that was deleted under the store is made anew", async () => {
  const settings = { name: "deleted", now: () => 1 };
  const store = await openIndexedDbStore(settings);
  await store.settle(pieceOf(1));
  await deleteDB(settings.name);
  expect(await store.pieces()).toEqual([]);
  await store.putDeviceCheck({ fingerprint: "a device", passedAt: 1 });
  await store.close();
  await (await openIndexedDbStore(settings)).close();
});

test("IndexedDB: a connection that is lost in the middle is opened again, and nothing is lost", async () => {
  const settings = { name: "lost-connection", now: () => 1 };
  const opened: IDBDatabase[] = [];
  const open = IDBFactory.prototype.open;
  IDBFactory.prototype.open = function (...call) {
    const request = open.apply(this, call);
    request.addEventListener("success", () => opened.push(request.result));
    return request;
  };
  try {
    const store = await openIndexedDbStore(settings);
    const entry = {
      bytes: new Uint8Array(3),
      signature: "",
      piece: { ...pieceOf(1), sent: "waiting" as const },
    };
    opened[0]?.close(); // as a browser does it that is short of memory: without a word
    await store.putOutbox(entry);
    expect(await store.outbox()).toEqual([entry]);
    expect(opened).toHaveLength(2);
    await store.close();
  } finally {
    IDBFactory.prototype.open = open;
  }
});

test("IndexedDB: a database that does not open in time is a reason and a way out", async () => {
  const open = IDBFactory.prototype.open;
  const silent = {} as IDBOpenDBRequest;
  Object.assign(silent, { addEventListener: () => {}, removeEventListener: () => {} });
  Object.setPrototypeOf(silent, IDBOpenDBRequest.prototype);
  IDBFactory.prototype.open = () => silent;
  try {
    const connect = connectDatabase("silent", 20);
    await expect(connect(async () => {})).rejects.toThrow(/does not answer\. Close other tabs/);
  } finally {
    IDBFactory.prototype.open = open;
  }
});
