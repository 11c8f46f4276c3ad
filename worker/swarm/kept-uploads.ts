import {
  type ExchangedBytes,
  NOTHING_EXCHANGED,
  type Store,
  sumExchanged,
} from "../store/store.ts";
import type { Uploads } from "./uploads.ts";

/** Uploads whose counts outlive the visit: what came and went is in the store, for all tabs of a browser together. */
export type KeptUploads = Uploads & {
  /** Count what came and went in earlier visits, and in other tabs. */
  recall(): Promise<void>;
  /** Resolves when what came and went until now is in the store, or is not taken there. */
  counted(): Promise<void>;
};

export function keepUploads(
  uploads: Uploads,
  store: Pick<Store, "exchanged" | "addExchanged">,
): KeptUploads {
  let own = NOTHING_EXCHANGED; // of this visit, as far as it is in the store
  let queue: Promise<void> = Promise.resolve(); // one after the other, so that `own` fits what is read

  function add(some: Partial<ExchangedBytes>): void {
    const exchanged = { ...NOTHING_EXCHANGED, ...some };
    queue = queue
      .then(() => store.addExchanged(exchanged))
      .then(() => {
        own = sumExchanged(own, exchanged);
      })
      .catch(() => {}); // a disk that is full, or a store that was closed: it counts in this visit alone
  }

  return {
    ...uploads,
    receive(bytes) {
      uploads.receive(bytes);
      add({ receivedBytes: bytes });
    },
    reserve(bytes) {
      const waitMs = uploads.reserve(bytes);
      if (waitMs !== null) add({ givenBytes: bytes });
      return waitMs;
    },
    giveBack(bytes) {
      uploads.giveBack(bytes);
      if (bytes > 0) add({ givenBytes: -bytes });
    },
    recall() {
      queue = queue
        .then(() => store.exchanged())
        .then(({ receivedBytes, givenBytes }) =>
          uploads.carry({
            receivedBytes: receivedBytes - own.receivedBytes,
            givenBytes: givenBytes - own.givenBytes,
          }),
        )
        .catch(() => {}); // a store that fails tells of nothing to give from
      return queue;
    },
    counted: () => queue,
  };
}
