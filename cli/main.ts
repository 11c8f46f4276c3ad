#!/usr/bin/env node
/** The `commonweight` command. */
import { homedir } from "node:os";
import { join } from "node:path";
import { parseCall, UsageError } from "./call.ts";
import { volunteer } from "./volunteer.ts";

const USAGE = `Usage: commonweight volunteer --relay URL --model NAME [--pieces N] [--folder PATH]

Trains pieces of a community model on this machine's processor and sends them to the relay.

  --relay URL     the relay, such as https://example.org
  --model NAME    the model, such as digits
  --pieces N      end after N pieces; without it, Ctrl-C ends
  --folder PATH   where key, outbox and caches are kept (default: ~/.commonweight)`;

const stop = new AbortController();
process.once("SIGINT", () => stop.abort());
process.once("SIGTERM", () => stop.abort());
try {
  const call = parseCall(process.argv.slice(2), join(homedir(), ".commonweight"));
  if (call.command === "help") console.log(USAGE);
  else process.exitCode = await volunteer(call, { print: console.log, signal: stop.signal });
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  console.error(error instanceof UsageError ? `${message}\n\n${USAGE}` : message);
  process.exitCode = 1;
}
