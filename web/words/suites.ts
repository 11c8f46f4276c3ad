import { shareInterval } from "../../core/gate/share-interval.ts";
import type { SuiteLife } from "../../core/protocol/schemas/suite.ts";
import { formatCount, formatLoss, formatLossChange, formatPercent, plural } from "./quantities.ts";

/** Where a suite stands, for people. */
export const SUITE_STATES: Readonly<Record<SuiteLife["state"], string>> = {
  received: "The relay looks at it",
  waiting: "Waits for a maintainer",
  accepted: "In force",
  refused: "Refused",
  withdrawn: "Withdrawn",
};

/** What a suite has kept out: "Kept 2 patches out so far". */
export function describeStopped({ state, stopped }: SuiteLife): string {
  if (stopped > 0) return `Kept ${plural(stopped, "patch", "patches")} out so far`;
  return state === "accepted" ? "Nothing was worse on it so far" : "";
}

/** How good a model was on a suite when it was proposed, with the range of chance; nothing before the relay looked. */
export function describeFound({ findings }: SuiteLife): string {
  if (findings === null) return "";
  const { version, head } = findings;
  const { low, high } = shareInterval(head);
  return `Version ${version} had ${formatPercent(head.accuracy)} of them right when it was proposed (${formatPercent(low)} to ${formatPercent(high)} in 95 of 100 cases).`;
}

/** What deciding about a suite goes by, in sentences for the maintainer's dialog. */
export function suiteOutlook({ header, examples, findings }: SuiteLife): string[] {
  const { reason, use, licence, marginNats } = header;
  const lines = [
    `Why: ${reason}`,
    `It stands for: ${use}`,
    `${formatCount(examples)} examples, ${licence}, at most ${marginNats} nats worse. Everybody may read them once it is accepted.`,
  ];
  if (findings === null) return lines;
  const { version, setAside, head, release } = findings;
  lines.push(
    `Version ${version} has ${formatPercent(head.accuracy)} of them right, loss ${formatLoss(head.lossNats)}.`,
  );
  if (setAside.length > 0) {
    lines.push(
      `Set aside: ${plural(setAside.length, "example")} that equally good models disagree about.`,
    );
  }
  const lost = head.lossNats - release.lossNats;
  if (lost > marginNats) {
    lines.push(
      `It is worse on them than the release, version ${release.version} (${formatLossChange(lost)}): until another release nothing would pass.`,
    );
  }
  return lines;
}
