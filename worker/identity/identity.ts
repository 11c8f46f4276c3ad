import { type KeyPair, publicKeyHex } from "../../core/crypto/signature.ts";
import type { RelayClient } from "../../core/protocol/client.ts";
import type { IdentityApi } from "../api.ts";
import type { TrainingLock } from "../run/training-lock.ts";
import type { BrowserStore } from "../store/indexed-db-store.ts";
import { keyOfWords, wordsOfKey } from "./key-words.ts";

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

  const ownKeys = (): Promise<KeyPair> =>
    withStore(async (store) => {
      const keys = await store.keyPair();
      if (keys === null) throw new Error("This browser has no key yet. The first piece makes it.");
      return keys;
    });

  return {
    async setName(name) {
      const keys = await ownKeys();
      const contributor = await publicKeyHex(keys);
      await client.putName({ contributor, name, issuedAt: now() }, keys.privateKey);
    },
    words: async () => wordsOfKey(await ownKeys()),
    contributorOf: async (words) => publicKeyHex(await keyOfWords(words)),
    async restore(words) {
      const keys = await keyOfWords(words);
      const busy = new AbortController();
      const { signal } = busy;
      const onWait = () => busy.abort(new Error("This browser is training. Stop that first."));
      await lock.hold(() => withStore((store) => store.putKeyPair(keys)), { signal, onWait });
    },
  };
}
