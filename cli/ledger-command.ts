import { join, resolve } from "node:path";
import { parseConfig } from "../relay-server/config.ts";
import { openLedgerBeside } from "../relay-server/store/open-ledger.ts";
import type { OpenLedger } from "../relay-server/store/store.ts";

/**
 * Do `work` on the ledger of the data folder, or on that of STORE, also while a relay has it open. Throws a StartError where
 * there is none.
 */
export async function withLedger(
  dataDir: string,
  work: (ledger: OpenLedger["ledger"]) => Promise<void>,
): Promise<void> {
  const { ledger, close } = await openLedgerBeside({
    store: parseConfig(process.env).store,
    path: join(resolve(dataDir), "ledger.db"),
  });
  try {
    await work(ledger);
  } finally {
    await close();
  }
}
