/** The thread that owns the SQLite ledger, so that no fsync stalls a request. */
import { parentPort, workerData } from "node:worker_threads";
import { answerCalls, type Callable } from "../../threads/call-port.ts";
import { migrate } from "../sql/migrate.ts";
import { createLedger } from "../store.ts";
import { openSqlite } from "./sqlite.ts";

const db = openSqlite(workerData.path);
await migrate(db);
const calls: Record<string, Callable[string]> = { close: () => db.destroy() };
for (const [name, store] of Object.entries(createLedger(db))) {
  for (const [method, call] of Object.entries(store)) calls[`${name}.${method}`] = call;
}
answerCalls(parentPort!, calls);
parentPort?.postMessage("open");
