import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { createRelayClient } from "../core/protocol/client.ts";
import type { AuditLog, RevertStatus } from "../core/protocol/schemas/admin.ts";
import {
  modelOption,
  parseContribution,
  parseContributor,
  parseTag,
  parseVersionNumber,
  reasonOption,
  relayOption,
} from "./options.ts";
import type { Terminal } from "./terminal.ts";

type Maintainer = ReturnType<ReturnType<typeof createRelayClient>["maintainer"]>;

/** Where a maintainer's request goes, and the file with the token that it carries. */
type Maintaining = { readonly relay: string; readonly tokenFile: string };

const POLL_MS = 1000; // a replay and a gate take seconds

/** `commonweight admin …`: what a maintainer asks of a relay. A RelayError says what the relay refused. */
export function adminCommand(terminal: Terminal): Command {
  const { print, signal } = terminal;
  return new Command("admin")
    .description(
      "For maintainers: stop and go on, take work out again, tag, ban, read who did what.",
    )
    .addCommand(
      maintaining("pause", "Merge nothing into a model until it is resumed.")
        .addOption(modelOption())
        .action(async ({ model, ...where }: Maintaining & { model: string }) => {
          const { problem } = await (await maintainerOf(where)).pause(model, { signal });
          print(`${model}: ${problem ?? "merging goes on"}`);
        }),
    )
    .addCommand(
      maintaining("resume", "Merge into a model again.")
        .addOption(modelOption())
        .action(async ({ model, ...where }: Maintaining & { model: string }) => {
          const { problem } = await (await maintainerOf(where)).resume(model, { signal });
          print(`${model}: ${problem ?? "merging goes on"}`);
        }),
    )
    .addCommand(
      maintaining("revert", "Take a merged contribution out of a model again.")
        .addOption(modelOption())
        .requiredOption("--contribution <ID>", "the contribution to revert", parseContribution)
        .addOption(reasonOption("its contributor"))
        .option("--insist", "publish it whatever the gate says", false)
        .action((options: RevertOptions) => revert(options, terminal)),
    )
    .addCommand(
      maintaining("tag", "Make a version a release: later versions must not be worse than it.")
        .addOption(modelOption())
        .requiredOption("--version <N>", "the version's number", parseVersionNumber)
        .requiredOption(
          "--tag <1.0.0>",
          "a semantic version that the model does not have",
          parseTag,
        )
        .action(async ({ model, version, tag, ...where }: TagOptions) => {
          await (await maintainerOf(where)).tag({ model, version, tag }, { signal });
          print(`Version ${version} of ${model} is release ${tag}.`);
        }),
    )
    .addCommand(
      maintaining("ban", "Take no work of a contributor any more.")
        .requiredOption("--contributor <KEY>", "the contributor's key", parseContributor)
        .addOption(reasonOption("the contributor"))
        .action(async ({ contributor, reason, ...where }: Contributor & { reason: string }) => {
          const maintainer = await maintainerOf(where);
          const { refused } = await maintainer.ban({ contributor, reason }, { signal });
          print(`No work of ${contributor} is taken any more; ${refused} that waited refused.`);
        }),
    )
    .addCommand(
      maintaining("unban", "Take a contributor's work again.")
        .requiredOption("--contributor <KEY>", "the contributor's key", parseContributor)
        .action(async ({ contributor, ...where }: Contributor) => {
          await (await maintainerOf(where)).unban(contributor, { signal });
          print(`Work of ${contributor} is taken again.`);
        }),
    )
    .addCommand(
      maintaining("audit", "Say who did what, newest first.").action(async (where: Maintaining) => {
        const { entries } = await (await maintainerOf(where)).audit({ signal });
        for (const entry of entries) print(auditLine(entry));
      }),
    );
}

type RevertOptions = Maintaining & {
  readonly model: string;
  readonly contribution: string;
  readonly reason: string;
  /** Whatever the gate says. */
  readonly insist: boolean;
};
type TagOptions = Maintaining & {
  readonly model: string;
  readonly version: number;
  readonly tag: string;
};
type Contributor = Maintaining & { readonly contributor: string };

function maintaining(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .addOption(relayOption())
    .requiredOption(
      "--token-file <FILE>",
      "a maintainer's token; the relay prints where the first one is",
    );
}

async function maintainerOf({ relay, tokenFile }: Maintaining): Promise<Maintainer> {
  const token = (await readFile(tokenFile, "utf8")).trim();
  return createRelayClient({ baseUrl: relay, fetch }).maintainer(token);
}

/** Ask for a revert and wait until it is decided; the relay goes on with it when this ends earlier. */
async function revert(
  { model, contribution, reason, insist, ...where }: RevertOptions,
  { print, fail, signal }: Terminal,
): Promise<void> {
  const maintainer = await maintainerOf(where);
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
    return;
  }
  const advice = insist ? "" : "; with --insist the gate's refusal does not count";
  fail(`Not reverted: ${status.message}${advice}`);
}

function auditLine({ at, maintainer, action, subject, note }: AuditLog["entries"][number]): string {
  const what = `${new Date(at).toISOString()}  ${maintainer}  ${action}  ${subject}`;
  return note === null ? what : `${what}  ${note}`;
}
