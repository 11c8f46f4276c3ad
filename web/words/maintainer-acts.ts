import type {
  BanPreview,
  ModelPreview,
  RevertOutlook,
  TagPreview,
} from "../../core/protocol/schemas/previews.ts";
import { formatCount, formatPercent, formatPoints, plural, shortId } from "./quantities.ts";

/** What a maintainer's act would do, in sentences for its dialog. */

const patches = (count: number) => plural(count, "patch", "patches");

export function modelLines(preview: ModelPreview, pausing: boolean): string[] {
  const { received, scored, queued } = preview.waiting;
  const waiting = received + scored + queued;
  const now =
    preview.paused === pausing ? [`It is ${pausing ? "paused" : "running"} already.`] : [];
  return pausing
    ? [
        ...now,
        `${patches(waiting)} that wait stay where they are.`,
        `${plural(preview.tickets, "piece")} of work that is out may still be handed in.`,
        "Nobody is given new work, and nothing is merged. Reverts are still carried out.",
      ]
    : [...now, `${patches(waiting)} that wait are judged and merged again.`];
}

export function banLines({ banned, models }: BanPreview): string[] {
  const lines = models.map(
    ({ model, waiting, merged }) =>
      `${model}: ${patches(waiting)} that wait would be refused, ${patches(merged)} in the model would stay.`,
  );
  if (models.length === 0) lines.push("Nothing of this contributor waits or is in a model.");
  return banned === null ? lines : [`This contributor is banned already: “${banned}”`, ...lines];
}

export function unbanLines({ banned }: BanPreview): string[] {
  return banned === null
    ? ["This contributor is not banned: nothing would change."]
    : [`This contributor is banned: “${banned}”`, "What the ban refused stays refused."];
}

export function tagLines({ last, step, report, newSuites }: TagPreview): string[] {
  const why = {
    first: "It would be the first release.",
    patch: `It passed every test against the last release, ${last?.tag}: a patch.`,
    minor: `It passed every test against ${last?.tag}, and has new tests (${newSuites.join(", ")}): a minor release.`,
    major: `Nothing shows that what worked with ${last?.tag} still works: a major release.`,
  }[step];
  const { before, after } = report;
  const change =
    before === null ? "" : `, ${formatPoints(after.accuracy - before.accuracy)} points since then`;
  return [why, `Accuracy ${formatPercent(after.accuracy)}${change}.`];
}

export function revertLines(outlook: RevertOutlook): string[] {
  const { contributor, version, head, replayed, changed, parameters, report, later } = outlook;
  const before = report.before.accuracy;
  const after = report.after.accuracy;
  return [
    `It is of ${shortId(contributor)} and was merged into version ${version}.`,
    `Version ${head + 1} would be the model without it: ${plural(replayed, "version")} computed anew, ${formatPercent(changed / parameters)} of the parameters changed.`,
    `Accuracy ${formatPercent(before)} now, ${formatPercent(after)} without it (${formatPoints(after - before)} points).`,
    later.contributions === 0
      ? "No later patch was trained on a version with it."
      : `${formatCount(later.contributions)} later patches by ${plural(later.contributors, "contributor")} were trained on versions with it. They stay, with what they learnt from it.`,
  ];
}
