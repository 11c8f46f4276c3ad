/** What the ledger's tests share. */
import type { Kysely } from "kysely";
import { createLedger, type Ledger } from "./ledger.ts";
import { migrate } from "./migrate.ts";
import type { ContributionRow, ModelRow, Tables, TicketRow, VersionRow } from "./tables.ts";

/** A test of the ledger on a database that has the model `tiny` and three tickets. */
export type LedgerTest = (name: string, body: (ledger: Ledger) => Promise<void>) => void;

export const HOUR_MS = 3600_000;
export const bytes = Uint8Array.of(1, 2, 3);
/** 64 hexadecimal digits that are easy to tell apart. */
export const id = (n: number) => n.toString(16).padStart(64, "0");

const model: ModelRow = {
  id: "tiny",
  recipe: "{}",
  parameters: 10,
  imported_at: 1,
  paused: 0,
  head: 0,
  fence: 0,
};

export function version(number: number): VersionRow {
  return {
    model: "tiny",
    number,
    id: id(1000 + number),
    parent: number === 0 ? null : id(999 + number),
    created_at: number,
    signed: Uint8Array.of(number),
    checkpoint: id(2000 + number),
    keyframe: number === 0 ? 1 : 0,
    step: number === 0 ? null : id(3000 + number),
    step_bytes: 8,
    mask: "{}",
    contributions: 0,
    contributors: 0,
    report: "{}",
  };
}

export const ticket = (n: number): TicketRow => ({
  id: id(n),
  model: "tiny",
  contributor: id(7),
  base: 0,
  ticket: "{}",
  issued_at: n,
  expires_at: n + HOUR_MS,
  used: 0,
});

export const contribution = (n: number): ContributionRow => ({
  id: id(n),
  model: "tiny",
  contributor: id(7),
  ticket: id(n),
  base: 0,
  state: "received",
  reason_code: null,
  reason_message: null,
  shards: "[0]",
  examples: 100,
  size_bytes: 3,
  signature: "",
  values_hash: id(n),
  norm: n,
  on_mask: 1,
  agreement: null,
  screened_at: null,
  scored_at: null,
  score: null,
  postponed: 0,
  received_at: n,
  updated_at: n,
  version: null,
  multiplier: null,
  credit: 0,
});

/** A ledger with the model at version 0 and three tickets. */
export async function filled(db: Kysely<Tables>): Promise<Ledger> {
  await migrate(db);
  await migrate(db); // a second start finds nothing to do
  const ledger = createLedger(db);
  const shards = [0, 1].map((position) => ({
    model: "tiny",
    position,
    sha256: id(position),
    size_bytes: 1,
    examples: 50,
    title: `shard ${position}`,
    assigned: 0,
    trained: 0,
    replay: 0,
  }));
  await ledger.importModel({ model, shards, version: version(0), events: [] });
  for (const n of [1, 2, 3]) await ledger.issueTicket(ticket(n), [0]);
  return ledger;
}

/** Enter contribution `n` and take it through the stations of its life up to its score, at `at`. */
export async function enterScored(ledger: Ledger, n: number, at: number): Promise<void> {
  await ledger.enter(contribution(n), bytes);
  await ledger.passScreen(id(n), null, at);
  await ledger.passScore(id(n), 0.5, at);
}

/** The same, up to the queue. */
export async function enterQueued(ledger: Ledger, n: number, at: number): Promise<void> {
  await enterScored(ledger, n, at);
  await ledger.queue(id(n), at);
}

export const inputs = (...numbers: number[]) =>
  numbers.map((n) => ({
    contribution: id(n),
    contributor: id(7),
    shards: [0],
    multiplier: 4096,
    credit: 100,
  }));
