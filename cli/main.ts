/** The `commonweight` command, on Node 24; commonweight.cjs starts it on older ones. */
import { runCommandLine } from "./program.ts";
import { processTerminal } from "./terminal.ts";

const stop = new AbortController();
process.once("SIGINT", () => stop.abort());
process.once("SIGTERM", () => stop.abort());
await runCommandLine(process.argv.slice(2), processTerminal(stop.signal));
