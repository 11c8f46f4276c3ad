import { publicKeyHex } from "../../core/crypto/signature.ts";
import type { RelayClient } from "../../core/protocol/client.ts";
import type { IdentityApi } from "../api.ts";
import type { Store } from "../store/store.ts";

/** What a visitor does with this device's key beside training: the commands of IdentityApi. */
export function createIdentity({
  openStore,
  client,
  now,
}: {
  readonly openStore: () => Promise<Store>;
  readonly client: Pick<RelayClient, "putName">;
  readonly now: () => number;
}): IdentityApi {
  return {
    async setName(name) {
      const store = await openStore();
      try {
        const keys = await store.keyPair();
        if (keys === null)
          throw new Error("This browser has no key yet. The first piece makes it.");
        const contributor = await publicKeyHex(keys);
        await client.putName({ contributor, name, issuedAt: now() }, keys.privateKey);
      } finally {
        await store.close();
      }
    },
  };
}
