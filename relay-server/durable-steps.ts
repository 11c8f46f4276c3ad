import type { HeldOutStore } from "./content/held-out-store.ts";
import type { PublicBlobs } from "./content/public-blobs.ts";
import type { Ledger } from "./store/store.ts";

/** Hears of each write once it is on the disk, by its name: `contributions.enter`, `blobs.put`. */
export type OnDurable = (step: string) => void;

type Writes = { readonly [S in keyof Ledger]: readonly (keyof Ledger[S])[] };
/** The operations of each store that change what is on the disk. */
export const LEDGER_WRITES: Writes = {
  tickets: ["issueTicket", "spendTicket"],
  contributions: [
    ...(["enter", "recordRefusal", "passScreen", "passScore", "queue", "refuseWaiting"] as const),
    ...(["postpone", "setAside", "drawSpotCheck", "passSpotCheck", "failSpotCheck"] as const),
    ...(["notePromoted", "propose", "acceptProposal", "refuseProposal", "noteJury"] as const),
    "writeVerdict",
  ],
  history: [
    ...(["importModel", "holdLeases", "releaseLeases", "setPaused", "recordGateTests"] as const),
    ...(["publish", "tag", "untag", "retire", "changeRecipe", "addData"] as const),
    ...(["requestRevert", "publishRevert", "refuseRevert"] as const),
    ...(["proposeSuite", "noteFindings", "acceptSuite", "refuseSuite"] as const),
    ...(["withdrawSuite", "noteStopped", "noteShown"] as const),
  ],
  people: [
    ...(["putMaintainer", "revokeMaintainer", "ban", "unban", "eraseContributor"] as const),
    ...(["putName", "blankName", "unblankName", "nameJudge", "dismissJudge"] as const),
  ],
  status: ["putSetting", "putSettingBy", "appendEvents"],
};

type WrittenStores = {
  readonly ledger: Ledger;
  readonly blobs: PublicBlobs;
  readonly heldOut: HeldOutStore;
};

/** The stores that a relay writes to, telling `onDurable` of every write: a crash can come between any two of them. */
export function tellWrites(stores: WrittenStores, onDurable: OnDurable): WrittenStores {
  const tellingOf = <S extends keyof Ledger>(name: S) =>
    telling(name, stores.ledger[name], LEDGER_WRITES[name], onDurable);
  return {
    ledger: {
      tickets: tellingOf("tickets"),
      contributions: tellingOf("contributions"),
      history: tellingOf("history"),
      people: tellingOf("people"),
      status: tellingOf("status"),
    },
    blobs: telling("blobs", stores.blobs, ["put", "remove"], onDurable),
    heldOut: telling("heldOut", stores.heldOut, ["put", "remove"], onDurable),
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
        const step = property === "writeVerdict" ? args[1] : property; // by what it writes
        onDurable(`${name}.${String(step)}`);
        return result;
      };
    },
  });
}
