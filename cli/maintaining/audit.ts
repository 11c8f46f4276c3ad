import type { Command } from "commander";
import type { AuditLog } from "../../core/protocol/schemas/admin.ts";
import type { Terminal } from "../terminal.ts";
import { maintainerCommand, openMaintainer, type Where } from "./act.ts";

/** `commonweight audit`: what maintainers did, newest first. */
export function auditCommand({ print, signal }: Terminal): Command {
  return maintainerCommand("audit", "Say which maintainer did what, newest first.").action(
    async (options: Where) => {
      const { maintainer } = await openMaintainer(null, options);
      const log = await maintainer.audit({ signal });
      if (options.json) return print(JSON.stringify(log));
      for (const entry of log.entries) print(auditLine(entry));
    },
  );
}

function auditLine({ at, maintainer, action, subject, note }: AuditLog["entries"][number]): string {
  const what = `${new Date(at).toISOString()}  ${maintainer}  ${action}  ${subject}`;
  return note === null ? what : `${what}  ${note}`;
}
