import { hostname } from "node:os";
import { isStorageFull, ledgerAway } from "./storage-error.ts";
import type { LeaseHolder, SaidOfModel } from "./store/sql/leases.ts";
import type { HistoryStore } from "./store/store.ts";

/** Which models this relay publishes: each model is published by one relay at a time (protocol H41). */
export type Leases = {
  /** The fence under which this relay publishes the model; null while another relay does. */
  fenceOf(model: string): number | null;
  /** Ask the ledger anew, as for a model that has come; where it does not answer, again soon. */
  renew(): Promise<void>;
  /** Leave the models to other relays at once. */
  close(): Promise<void>;
};

/** How leases are held. */
export type LeaseTerms = Pick<LeaseHolder, "holder" | "lengthMs"> & {
  /** How often they are renewed, and others' looked at; null where no other relay can come. */
  readonly renewMs: number | null;
};

/** Of a relay that is alone with its ledger: it holds all models, the ones of the process before it too. */
export const HELD_ALONE: LeaseTerms = {
  holder: "the only relay",
  lengthMs: 10 ** 12, // some thirty years
  renewMs: null,
};

/** Of one of several relays: when it is gone, another one publishes within `lengthMs` + `renewMs`, which protocol H41 promises as 10 s. */
export const HELD_AMONG_OTHERS = { lengthMs: 6000, renewMs: 1500 };

const RETRY_MS = 1500; // after a ledger that did not answer whoever renews only once

/** SQLite's ledger is one relay's, which has locked its folder; PostgreSQL's is for any number of them, told apart by ids. */
export function leaseTerms(isAlone: boolean, newId: () => string): LeaseTerms {
  if (isAlone) return HELD_ALONE;
  const holder = `${hostname()} ${process.pid} ${newId()}`; // for people who look into the table
  return { ...HELD_AMONG_OTHERS, holder };
}

export type LeaseParts = {
  /** The models that this relay serves, and so can publish. */
  readonly models: () => readonly string[];
  /** What this relay says of a model that it publishes. */
  readonly sayOf: (model: string) => SaidOfModel;
  /** Hears what another relay says of a model that it publishes. */
  readonly hear: (model: string, said: SaidOfModel) => void;
  /** Hears of each model that this relay begins or ends to publish. */
  readonly onChange: (model: string) => void;
};

/** Hold what no other relay holds, and go on so until it is closed. */
export async function startLeases(
  history: Pick<HistoryStore, "holdLeases" | "releaseLeases">,
  { holder, lengthMs, renewMs }: LeaseTerms,
  { models, sayOf, hear, onChange }: LeaseParts,
): Promise<Leases> {
  let held: ReadonlyMap<string, number> = new Map();
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  let renewing: Promise<void> = Promise.resolve();

  async function renew(): Promise<void> {
    const before = held;
    const said = new Map([...before.keys()].map((model) => [model, sayOf(model)]));
    const leases = await history.holdLeases({ holder, lengthMs, models: models(), said });
    if (isClosed) return;
    held = new Map(
      [...leases].flatMap(([model, { fence }]) => (fence === null ? [] : [[model, fence]])),
    );
    for (const [model, { fence, problem, scoreSeconds }] of leases) {
      if (fence === null) hear(model, { problem, scoreSeconds });
      if (fence !== (before.get(model) ?? null)) onChange(model);
    }
  }

  async function renewAndPlan(): Promise<void> {
    if (isClosed) return;
    let nextMs = renewMs;
    try {
      await renew();
    } catch (error) {
      // while the ledger is away nobody else can take a model over; and the fence is asked at each publication
      if (!isStorageFull(error) && ledgerAway(error) === null) console.error(error);
      nextMs ??= RETRY_MS;
    }
    if (nextMs !== null && !isClosed) renewLater(nextMs);
  }

  function renewLater(ms: number): void {
    clearTimeout(timer);
    timer = setTimeout(renewNow, ms);
  }

  function renewNow(): Promise<void> {
    renewing = renewing.then(renewAndPlan);
    return renewing;
  }

  await renew();
  if (renewMs !== null) renewLater(renewMs);
  return {
    fenceOf: (model) => held.get(model) ?? null,
    renew: renewNow,
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await renewing;
      held = new Map();
      if (renewMs !== null) await history.releaseLeases(holder);
    },
  };
}
