import { openSqliteBeside } from "./sqlite/open-beside.ts";
import { openSqliteLedger } from "./sqlite/open-ledger.ts";
import type { OpenLedger, RelayLedger } from "./store.ts";

/** Where a relay's ledger is: in PostgreSQL at `store`, a URL; in SQLite's file at `path` where that is empty. */
export type LedgerPlace = { readonly store: string; readonly path: string };

/** Open the ledger for a relay and bring its schema up to date. Throws a StartError that says why it cannot be used. */
export async function openLedger({ store, path }: LedgerPlace): Promise<RelayLedger> {
  if (store !== "") return (await postgres()).openPostgresLedger(store);
  return { ...(await openSqliteLedger(path)), others: null };
}

/** Open the ledger for a command, also while relays have it open. Throws a StartError where there is none of this version. */
export async function openLedgerBeside({ store, path }: LedgerPlace): Promise<OpenLedger> {
  return store === "" ? openSqliteBeside(path) : (await postgres()).openPostgresBeside(store);
}

/** Its driver is loaded only where it is used. */
const postgres = () => import("./postgres/open-postgres.ts");
