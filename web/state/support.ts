/** The parts of the browser that contributing stands on. */
export type Surroundings = {
  readonly isSecureContext: boolean;
  readonly Worker?: unknown;
  readonly indexedDB?: unknown;
  readonly locks?: unknown;
  readonly subtle?: Pick<SubtleCrypto, "generateKey"> | undefined;
  /** Whether a key can be kept on this device and is given back: tried out, and nothing is left. */
  readonly keep?: (keys: CryptoKeyPair) => Promise<boolean>;
  /** Where they are not given, those of the page itself. */
  readonly language?: {
    readonly AbortSignal: { readonly any?: unknown };
    readonly Promise: { readonly withResolvers?: unknown };
  };
};

const KEEPS_NOTHING =
  "It does not keep a key for this page. Leave private browsing, or allow the site to store data, and reload the page.";

const BROWSERS = "Chrome 137, Firefox 129 and Safari 17.4 or later can.";

/**
 * What is missing, as one sentence, or null. Module workers need no test of their own: every browser
 * that signs with Ed25519 has had them for years (Chrome 80 and 137, Firefox 114 and 129, Safari 15 and 17).
 */
export async function findMissing(around: Surroundings): Promise<string | null> {
  if (!around.isSecureContext) {
    return "The page was opened over plain http, where browsers switch off the GPU and signatures. Open it over https, or on localhost.";
  }
  if (around.Worker === undefined) {
    return "It has no web workers, in which training runs apart from the page.";
  }
  if (around.indexedDB === undefined || around.locks === undefined) {
    return "It can't keep finished work safe on this device (IndexedDB and Web Locks are missing or switched off).";
  }
  const language = around.language ?? globalThis;
  if (language.AbortSignal.any === undefined || language.Promise.withResolvers === undefined) {
    return `It is too old to run the training engine. ${BROWSERS}`;
  }
  const keys = await around.subtle?.generateKey("Ed25519", false, ["sign", "verify"]).catch(
    () => null, // NotSupportedError: the answer below
  );
  if (keys) return around.keep === undefined || (await around.keep(keys)) ? null : KEEPS_NOTHING;
  return `It can't sign contributions (Ed25519 in WebCrypto). ${BROWSERS}`;
}
