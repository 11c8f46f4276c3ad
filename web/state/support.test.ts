import { expect, test } from "vitest";
import { findMissing, type Surroundings } from "./support.ts";

const full: Surroundings = {
  isSecureContext: true,
  Worker: class {},
  indexedDB: {},
  locks: {},
  subtle: crypto.subtle,
};

test("a current browser lacks nothing", async () => {
  expect(await findMissing(full)).toBe(null);
});

test("without a secure context the page says how to get one, whatever else is missing", async () => {
  const { subtle: _, locks: __, ...bare } = full;
  expect(await findMissing({ ...bare, isSecureContext: false })).toMatch(/https, or on localhost/);
});

test("a browser that signs but lacks a part of the language, such as Safari 17.3, is too old", async () => {
  for (const language of [
    { AbortSignal: {}, Promise },
    { AbortSignal, Promise: {} },
  ]) {
    expect(await findMissing({ ...full, language })).toMatch(/too old.*Safari 17\.4/);
  }
});

test("what is missing is named", async () => {
  expect(await findMissing({ ...full, Worker: undefined })).toMatch(/web workers/);
  expect(await findMissing({ ...full, locks: undefined })).toMatch(/Web Locks/);
  const refusing = { generateKey: () => Promise.reject(new Error("NotSupportedError")) };
  for (const subtle of [undefined, refusing]) {
    expect(await findMissing({ ...full, subtle })).toMatch(/Ed25519/);
  }
});

test("a browser that keeps no key is found out before anything is offered", async () => {
  const keys = {} as CryptoKeyPair;
  const around = {
    isSecureContext: true,
    Worker: 1,
    indexedDB: 1,
    locks: 1,
    subtle: { generateKey: async () => keys } as unknown as SubtleCrypto,
  };
  expect(await findMissing({ ...around, keep: async () => true })).toBe(null);
  expect(await findMissing({ ...around, keep: async () => false })).toMatch(/does not keep a key/);
});
