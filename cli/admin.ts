import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { createRelayClient } from "../core/protocol/client.ts";
import type { AuditLog, RevertStatus } from "../core/protocol/schemas/admin.ts";
import type { Call } from "./call.ts";

type AdminCall = Extract<Call, { command: `admin ${string}` }>;
type Maintainer = ReturnType<ReturnType<typeof createRelayClient>["maintainer"]>;

const POLL_MS = 1000; // a replay and a gate take seconds

/**
 * Do what a maintainer asks of a relay, and print what came of it. Returns the exit code: 1 when a revert was not
 * published. A RelayError says what the relay refused.
 */
export async function admin(
  call: AdminCall,
  { print, signal }: { readonly print: (line: string) => void; readonly signal: AbortSignal },
): Promise<number> {
  const token = (await readFile(call.tokenFile, "utf8")).trim();
  const client = createRelayClient({ baseUrl: call.relay, fetch });
  const maintainer = client.maintainer(token);
  switch (call.command) {
    case "admin pause":
    case "admin resume": {
      const action = call.command === "admin pause" ? maintainer.pause : maintainer.resume;
      const { problem } = await action(call.model, { signal });
      print(`${call.model}: ${problem ?? "merging goes on"}`);
      return 0;
    }
    case "admin audit":
      for (const entry of (await maintainer.audit({ signal })).entries) print(auditLine(entry));
      return 0;
    case "admin tag": {
      const { model, version, tag } = call;
      await maintainer.tag({ model, version, tag }, { signal });
      print(`Version ${version} of ${model} is release ${tag}.`);
      return 0;
    }
    case "admin ban": {
      const { contributor, reason } = call;
      const { refused } = await maintainer.ban({ contributor, reason }, { signal });
      print(`No work of ${contributor} is taken any more; ${refused} that waited refused.`);
      return 0;
    }
    case "admin unban":
      await maintainer.unban(call.contributor, { signal });
      print(`Work of ${call.contributor} is taken again.`);
      return 0;
    case "admin revert":
      return await revert(call, maintainer, print, signal);
  }
}

/** Ask for a revert and wait until it is decided; the relay goes on with it when this ends earlier. */
async function revert(
  { model, contribution, reason, insist }: Extract<AdminCall, { command: "admin revert" }>,
  maintainer: Maintainer,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  let status: RevertStatus = await maintainer.requestRevert(
    { model, contribution, reason, insist },
    { signal },
  );
  if (status.state === "waiting") print("The relay replays the history without it …");
  while (status.state === "waiting") {
    await sleep(POLL_MS, undefined, { signal });
    status = await maintainer.revert(contribution, { signal });
  }
  if (status.state === "published") {
    print(`Version ${status.version} of ${model} is without ${contribution.slice(0, 12)}.`);
    if (status.message !== null) print(`It was published although ${status.message}.`);
    return 0;
  }
  print(`Not reverted: ${status.message}`);
  if (!insist) print("With --insist the gate's refusal does not count.");
  return 1;
}

function auditLine({ at, maintainer, action, subject, note }: AuditLog["entries"][number]): string {
  const what = `${new Date(at).toISOString()}  ${maintainer}  ${action}  ${subject}`;
  return note === null ? what : `${what}  ${note}`;
}
