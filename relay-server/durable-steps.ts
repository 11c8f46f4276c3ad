import type { HeldOutStore } from "./content/held-out-store.ts";
import type { PublicBlobs } from "./content/public-blobs.ts";
import type { Ledger } from "./store/ledger.ts";

/** Hears of each write once it is on the disk, by its name: `ledger.enter`, `blobs.put`. */
export type OnDurable = (step: string) => void;

const LEDGER_WRITES: readonly (keyof Ledger)[] = [
  "importModel",
  "putSetting",
  "takeOver",
  "putMaintainer",
  "revokeMaintainer",
  "issueTicket",
  "spendTicket",
  "enter",
  "recordRefusal",
  "passScreen",
  "passScore",
  "queue",
  "refuseWaiting",
  "postpone",
  "drawSpotCheck",
  "passSpotCheck",
  "failSpotCheck",
  "recordGateTests",
  "publish",
  "notePromoted",
  "requestRevert",
  "publishRevert",
  "refuseRevert",
  "tag",
  "ban",
  "eraseContributor",
  "unban",
  "setPaused",
  "appendEvents",
  "setAside",
];

/** The stores that a relay writes to, telling `onDurable` of every write: a crash can come between any two of them. */
export function tellWrites(
  stores: {
    readonly ledger: Ledger;
    readonly blobs: PublicBlobs;
    readonly heldOut: HeldOutStore;
  },
  onDurable: OnDurable,
): typeof stores {
  return {
    ledger: telling("ledger", stores.ledger, LEDGER_WRITES, onDurable),
    blobs: telling("blobs", stores.blobs, ["put", "remove"], onDurable),
    heldOut: telling("heldOut", stores.heldOut, ["put"], onDurable),
  };
}

function telling<T extends object>(
  name: string,
  store: T,
  writes: readonly (keyof T)[],
  onDurable: OnDurable,
): T {
  return new Proxy(store, {
    get(target, property) {
      const method: unknown = Reflect.get(target, property);
      if (!writes.includes(property as keyof T) || typeof method !== "function") return method;
      return async (...args: unknown[]) => {
        const result: unknown = await method(...args);
        onDurable(`${name}.${String(property)}`);
        return result;
      };
    },
  });
}
