import { expect, test } from "vitest";
import { decodeHex, encodeHex } from "../hex.ts";
import {
  generateKeyPair,
  publicKeyHex,
  type SignaturePurpose,
  sha256,
  signId,
  verifyId,
} from "./signature.ts";

const ID = "ab".repeat(32);
const PURPOSES: readonly SignaturePurpose[] = ["contribution", "ticket", "version", "request"];
const pair = await generateKeyPair(false);
const key = await publicKeyHex(pair);

/** The key of RFC 8032 §7.1, test 1, in PKCS #8. */
const rfcKey = await crypto.subtle.importKey(
  "pkcs8",
  decodeHex(
    "302e020100300506032b6570042204209d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
  ),
  "Ed25519",
  false,
  ["sign"],
);
const RFC_PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

test("SHA-256 of the empty file is the known one", async () => {
  expect(await sha256(new Uint8Array(0))).toBe(
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
});

test("S1: signed is commonweight/<purpose>/1, a zero byte and the 32 bytes of the id", async () => {
  const signature = await signId("contribution", ID, rfcKey);
  const text = new TextEncoder().encode("commonweight/contribution/1\0");
  const signed = Uint8Array.of(...text, ...decodeHex(ID));
  const plain = await crypto.subtle.sign("Ed25519", rfcKey, signed);
  expect(signature).toBe(encodeHex(new Uint8Array(plain)));
  expect(signature).toBe(
    "55cbcabf8a01f27da87f8da6cc80de7c52bf06e4d38cf7f938e8f7ccf704d7c0" +
      "f66566a173aefc1626b2c70f67c0f96f1bd358c1ff1bbbdbb86525c23418160f",
  );
  expect(await verifyId("contribution", ID, signature, RFC_PUBLIC)).toBe(true);
});

test("S1: a signature for one purpose is none for another", async () => {
  for (const purpose of PURPOSES) {
    const signature = await signId(purpose, ID, pair.privateKey);
    for (const other of PURPOSES) {
      expect(await verifyId(other, ID, signature, key)).toBe(other === purpose);
    }
  }
});

test("S1: another id, another key and another signature are not verified", async () => {
  const signature = await signId("ticket", ID, pair.privateKey);
  const other = await publicKeyHex(await generateKeyPair(false));
  expect(await verifyId("ticket", ID, signature, key)).toBe(true);
  expect(await verifyId("ticket", "ac".repeat(32), signature, key)).toBe(false);
  expect(await verifyId("ticket", ID, signature, other)).toBe(false);
  const first = signature.startsWith("00") ? "01" : "00"; // never the one that it has
  expect(await verifyId("ticket", ID, `${first}${signature.slice(2)}`, key)).toBe(false);
  expect(await verifyId("ticket", ID, "00", key)).toBe(false);
});

test("S1: 32 bytes that are no point of the curve verify nothing", async () => {
  const signature = await signId("ticket", ID, pair.privateKey);
  for (const broken of ["ff".repeat(32), "02".padEnd(64, "0"), "00".repeat(32)]) {
    expect(await verifyId("ticket", ID, signature, broken)).toBe(false);
  }
});

test("S1: a key of small order, for which one signature would fit every id, verifies nothing", async () => {
  const identity = "01".padEnd(64, "0");
  const fitsAll = identity.padEnd(128, "0");
  expect(await verifyId("ticket", ID, fitsAll, identity)).toBe(false);
});

test("the private key cannot be read out unless it is made so", async () => {
  await expect(crypto.subtle.exportKey("pkcs8", pair.privateKey as CryptoKey)).rejects.toThrow();
  const open = await generateKeyPair(true);
  expect((await crypto.subtle.exportKey("pkcs8", open.privateKey as CryptoKey)).byteLength).toBe(
    48,
  );
});
