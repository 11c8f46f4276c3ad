/** The thread that owns the SQLite ledger, so that no fsync stalls a request. */
import { parentPort, workerData } from "node:worker_threads";
import { answerCalls } from "../threads/call-port.ts";
import { createLedger } from "./ledger.ts";
import { migrate } from "./migrate.ts";
import { openSqlite } from "./sqlite.ts";

const db = openSqlite(workerData.path);
await migrate(db);
answerCalls(parentPort!, { ...createLedger(db), close: () => db.destroy() });
parentPort?.postMessage("open");
