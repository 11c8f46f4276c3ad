#!/usr/bin/env node
/** The `commonweight` command. */
import { homedir } from "node:os";
import { join } from "node:path";
import { admin } from "./admin.ts";
import { parseCall, UsageError } from "./call.ts";
import { volunteer } from "./volunteer.ts";

const USAGE = `Usage: commonweight volunteer --relay URL --model NAME [--pieces N] [--folder PATH]
       commonweight admin pause|resume --relay URL --token-file FILE --model NAME
       commonweight admin revert --relay URL --token-file FILE --model NAME --contribution ID --reason TEXT [--insist]
       commonweight admin tag --relay URL --token-file FILE --model NAME --version N --tag 1.0.0
       commonweight admin ban --relay URL --token-file FILE --contributor KEY --reason TEXT
       commonweight admin unban --relay URL --token-file FILE --contributor KEY
       commonweight admin audit --relay URL --token-file FILE

"volunteer" trains pieces of a community model on this machine's processor and sends them to the relay.
"admin" is for maintainers: stop a model's merging or go on with it, take a merged contribution out of it
again, whatever the gate says of that with --insist, make a version a release, take no work of a contributor any
more or take it again, read who did what.

  --relay URL         the relay, such as https://example.org
  --model NAME        the model, such as digits
  --pieces N          end after N pieces; without it, Ctrl-C ends
  --folder PATH       where key, outbox and caches are kept (default: ~/.commonweight)
  --token-file FILE   a maintainer's token; the relay prints where the first one is
  --contribution ID   the contribution to revert, 64 hexadecimal digits
  --contributor KEY   the contributor's key, 64 hexadecimal digits
  --reason TEXT       why, for its contributor to read
  --version N         number of the version to tag; later versions must not be worse than it
  --tag 1.0.0         a semantic version that the model does not have yet`;

const stop = new AbortController();
process.once("SIGINT", () => stop.abort());
process.once("SIGTERM", () => stop.abort());
const terminal = { print: console.log, signal: stop.signal };
try {
  const call = parseCall(process.argv.slice(2), join(homedir(), ".commonweight"));
  if (call.command === "help") console.log(USAGE);
  else if (call.command === "volunteer") process.exitCode = await volunteer(call, terminal);
  else process.exitCode = await admin(call, terminal);
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  console.error(error instanceof UsageError ? `${message}\n\n${USAGE}` : message);
  process.exitCode = 1;
}
