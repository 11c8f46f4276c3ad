import { expect, test } from "vitest";
import { generateKeyPair, publicKeyHex, signId, verifyId } from "../../core/crypto/signature.ts";
import { keyOfWords, wordsOfKey } from "./key-words.ts";

/** BIP 39's own vector for 32 zero bytes, and RFC 8032's public key of them. */
const ZEROS = `${"abandon ".repeat(23)}art`;
const ZEROS_KEY = "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29";

test("a key's words lead back to the same key, which signs as before", async () => {
  const pair = await generateKeyPair(true);
  const words = await wordsOfKey(pair);
  const again = await keyOfWords(words ?? "");
  const key = await publicKeyHex(pair);
  expect(await publicKeyHex(again)).toBe(key);
  const id = "ab".repeat(32);
  expect(await verifyId("request", id, await signId("request", id, again.privateKey), key)).toBe(
    true,
  );
  expect(await wordsOfKey(again)).toBe(words);
});

test("the words are those of BIP 39, so that other tools read them", async () => {
  expect(await publicKeyHex(await keyOfWords(ZEROS))).toBe(ZEROS_KEY);
});

test("words are read as people write them: numbered, in capitals, over several lines, with remarks", async () => {
  const written = ZEROS.split(" ").map((word, i) => `${i + 1}. ${word.toUpperCase()}`);
  const text = `# Commonweight key\n${written.join("\n")}\n# the end`;
  expect(await publicKeyHex(await keyOfWords(text))).toBe(ZEROS_KEY);
});

test("words that are no key say what is wrong", async () => {
  await expect(keyOfWords("")).rejects.toThrow("A key has 24 words; here are 0.");
  await expect(keyOfWords("abandon")).rejects.toThrow("here is 1.");
  await expect(keyOfWords(ZEROS.replace("art", "arts"))).rejects.toThrow(
    "“arts” is not in the list",
  );
  await expect(keyOfWords(ZEROS.replace("art", "able"))).rejects.toThrow("one of them is wrong");
  await expect(keyOfWords("a ".repeat(3000))).rejects.toThrow("too much text");
});

test("a key that its browser does not let out has no words", async () => {
  expect(await wordsOfKey(await generateKeyPair(false))).toBeNull();
});
