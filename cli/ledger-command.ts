import { join, resolve } from "node:path";
import { openLedgerBeside } from "../relay-server/store/sqlite/open-beside.ts";
import type { OpenLedger } from "../relay-server/store/sqlite/open-ledger.ts";

/** Do `work` on the ledger of the data folder, also while a relay has it open. Throws a StartError where there is none. */
export async function withLedger(
  dataDir: string,
  work: (ledger: OpenLedger["ledger"]) => Promise<void>,
): Promise<void> {
  const { ledger, close } = await openLedgerBeside(join(resolve(dataDir), "ledger.db"));
  try {
    await work(ledger);
  } finally {
    await close();
  }
}
