import { type KeyPair, publicKeyHex } from "../../core/crypto/signature.ts";
import type { RelayClient } from "../../core/protocol/client.ts";
import type { IdentityApi } from "../api.ts";
import type { TrainingLock } from "../run/training-lock.ts";
import type { BrowserStore } from "../store/indexed-db-store.ts";
import { keyOfWords, wordsOfKey } from "./key-words.ts";

const BUSY =
  "This browser is training, or still sends finished work. Stop the training, or wait until the work is sent.";
const OTHER_KEY =
  "This browser has another key by now, as when another tab brought one. Reload the page.";

/** What a visitor does with this device's key beside training: the commands of IdentityApi. */
export function createIdentity({
  openStore,
  client,
  lock,
  now,
}: {
  readonly openStore: () => Promise<BrowserStore>;
  readonly client: Pick<RelayClient, "putName">;
  readonly lock: TrainingLock;
  readonly now: () => number;
}): IdentityApi {
  async function withStore<T>(work: (store: BrowserStore) => Promise<T>): Promise<T> {
    const store = await openStore();
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  }

  async function contributorIn(store: BrowserStore): Promise<string | null> {
    const keys = await store.keyPair();
    return keys === null ? null : publicKeyHex(keys);
  }

  const keysOf = (own: string): Promise<KeyPair> =>
    withStore(async (store) => {
      const keys = await store.keyPair();
      if (keys === null) throw new Error("This browser has no key yet. The first piece makes it.");
      if ((await publicKeyHex(keys)) !== own) throw new Error(OTHER_KEY);
      return keys;
    });

  /** Only under the lock, so that no other tab makes or brings a key between the look and the writing. */
  async function replace(store: BrowserStore, keys: KeyPair, own: string | null): Promise<void> {
    const kept = await contributorIn(store);
    if (kept !== null && kept !== own) throw new Error(OTHER_KEY);
    await store.putKeyPair(keys);
  }

  return {
    contributor: () => withStore(contributorIn),
    async setName(name, own) {
      const { privateKey } = await keysOf(own);
      await client.putName({ contributor: own, name, issuedAt: now() }, privateKey);
    },
    words: async (own) => wordsOfKey(await keysOf(own)),
    contributorOf: async (words) => publicKeyHex(await keyOfWords(words)),
    async restore(words, own) {
      const keys = await keyOfWords(words);
      const busy = new AbortController();
      const { signal } = busy;
      const onWait = () => busy.abort(new Error(BUSY));
      const work = () => withStore((store) => replace(store, keys, own));
      await lock.hold(work, { signal, onWait });
    },
  };
}
