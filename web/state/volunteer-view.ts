import type { KeptPiece, Snapshot } from "../../worker/api.ts";
import { formatBytes, formatCount } from "../words/quantities.ts";
import type { PieceLife } from "./piece-life.ts";

/** What a volunteer is told they are in (DESIGN §7). Exactly one at a time. */
export type VolunteerState =
  | "unsupported"
  | "ready"
  | "consent"
  | "checking"
  | "judging"
  | "asking"
  | "downloading"
  | "training"
  | "finishing"
  | "uploading"
  | "verifying"
  | "merged"
  | "refused"
  | "paused"
  | "no-work"
  | "offline"
  | "other-tab"
  | "outdated"
  | "stopped";

export type VolunteerView = {
  readonly state: VolunteerState;
  readonly title: string;
  /** Exactly one reason or next step, in plain words. */
  readonly reason: string;
  /** Null where there is nothing to measure; `share` is null while the total is unknown. */
  readonly progress: { readonly label: string; readonly share: number | null } | null;
  /** A piece is under way and not yet sent: a reload now would cost seconds of it, or leave it unsent. */
  readonly busy: boolean;
};

export type VolunteerFacts = {
  /** What this browser lacks, as a sentence; null when it lacks nothing. */
  readonly unsupported: string | null;
  /** The relay refuses this page as too old. */
  readonly outdated: boolean;
  /** The page's own failure to load or reach the engine, as a sentence. */
  readonly failure: string | null;
  /** The consent text is open and unanswered. */
  readonly asking: boolean;
  /** The button was pressed and the engine has not spoken yet. */
  readonly starting: boolean;
  readonly snapshot: Snapshot | null;
  /** Shards of the running piece that repeat what the model's base was trained on. */
  readonly replayShards: number;
  /** The newest piece that this browser made since the page was opened. */
  readonly newest: PieceLife | null;
  /** The page itself reaches the relay. */
  readonly online: boolean;
  /** The piece of the shown model that waits to go on; null for none. */
  readonly kept: KeptPiece | null;
  /** A maintainer paused it. */
  readonly modelPaused: boolean;
  /** Why a maintainer retired it; null where nobody did. */
  readonly modelRetired: string | null;
  /** Why this page holds the work back, as a sentence; null while it does not. */
  readonly held: string | null;
  /** What another tab of this browser does, in its own words; null while none trains. */
  readonly otherTab: string | null;
};

/** The piece of `model` that was left, until its ticket ends; null for none. */
export function keptPiece(
  snapshot: Snapshot | null,
  model: string | null,
  nowMs: number,
): KeptPiece | null {
  const kept = snapshot?.kept ?? null;
  return kept !== null && kept.model === model && nowMs < kept.endsAtMs ? kept : null;
}

/** Derive the one state, and the one reason, from everything the page knows. */
export function describeVolunteer(facts: VolunteerFacts): VolunteerView {
  const { snapshot } = facts;
  const phase = snapshot?.phase ?? "ready";
  const view = (
    state: VolunteerState,
    title: string,
    reason: string,
    progress: VolunteerView["progress"] = null,
  ): VolunteerView => ({ state, title, reason, progress, busy: snapshot?.underway ?? false });

  if (facts.unsupported !== null) {
    return view("unsupported", "This browser can't contribute", facts.unsupported);
  }
  if (facts.outdated) {
    return view(
      "outdated",
      "This page is out of date",
      "The relay speaks a newer protocol. Reload to get the new page; finished work is kept.",
    );
  }
  if (facts.failure !== null) return view("stopped", "Stopped", facts.failure);
  if (facts.asking) {
    return view("consent", "Before you start", "Nothing runs until you agree to the list below.");
  }
  if (snapshot !== null && phase !== "ready") {
    const resting = facts.held !== null && phase === "paused";
    const shown = resting ? { ...snapshot, reason: facts.held } : snapshot;
    return running(shown, facts.replayShards, view, resting);
  }
  if (facts.starting) {
    const reason =
      "The engine is fetched once and kept for the next visit. It takes a few seconds; if it takes longer, the network or this browser's storage is slow to answer.";
    return view("checking", "Loading the training engine", reason, {
      label: "Loading",
      share: null,
    });
  }
  return idle(facts, view);
}

type MakeView = (
  state: VolunteerState,
  title: string,
  reason: string,
  progress?: VolunteerView["progress"],
) => VolunteerView;

function running(
  snapshot: Snapshot,
  replayShards: number,
  view: MakeView,
  resting: boolean,
): VolunteerView {
  const { reason, step, steps } = snapshot;
  const share = steps > 0 ? step / steps : null;
  const stepLabel = steps > 0 ? `Step ${formatCount(step)} of ${formatCount(steps)}` : "Starting";
  switch (snapshot.phase) {
    case "checking":
      return view(
        "checking",
        "Checking this device",
        reason ?? "A short test finds out how fast it is, and whether it computes right.",
        { label: "Checking", share: null },
      );
    case "asking":
      return view("asking", "Asking for work", "The relay picks what is needed most.", {
        label: "Asking",
        share: null,
      });
    case "judging":
      return view(
        "judging",
        "Checking others' work",
        "You were drawn to look whether a new version is as good as the one before. It takes less time than a piece.",
        { label: "Checking", share: null },
      );
    case "downloading":
      return view(
        "downloading",
        "Downloading",
        "The model and a piece of its data.",
        download(snapshot),
      );
    case "training":
      return snapshot.finishing
        ? view(
            "finishing",
            "Finishing this piece",
            "It is sent when it is done, then this device rests.",
            {
              label: stepLabel,
              share,
            },
          )
        : view("training", "Training", working(snapshot, replayShards), {
            label: stepLabel,
            share,
          });
    case "uploading":
      return view(
        "uploading",
        "Sending the patch",
        "It is stored on this device until the relay has it.",
        {
          label: "Sending",
          share: null,
        },
      );
    case "paused":
      return view(
        "paused",
        resting ? "Resting" : "Paused",
        reason ?? "You paused it. The running piece is kept.",
        {
          label: stepLabel,
          share,
        },
      );
    case "no-work":
      return view(
        "no-work",
        "No work right now",
        reason ?? "The relay has none; it is asked again by itself.",
      );
    case "offline":
      return view(
        "offline",
        "Offline",
        reason ?? "The relay does not answer. Finished work waits here and is sent later.",
      );
    case "other-tab":
      return view(
        "other-tab",
        "Running in another tab",
        reason ?? "One tab trains at a time; this one takes over when the other is closed.",
      );
    default:
      return view(
        "stopped",
        "Stopped",
        reason ?? "Something went wrong. Start again when you like.",
      );
  }
}

function idle(facts: VolunteerFacts, view: MakeView): VolunteerView {
  const { newest } = facts;
  if (facts.otherTab !== null) {
    return view(
      "other-tab",
      "Another tab is at work",
      `Another tab of this browser says “${facts.otherTab}”. One tab trains at a time.`,
    );
  }
  if (newest !== null && newest.stage !== "waiting") {
    if (!newest.settled) return view("verifying", "Your patch is being checked", newest.sentence);
    if (newest.stage === "merged") {
      const into = newest.version === null ? "" : ` into version ${newest.version}`;
      return view("merged", `Merged${into}`, "Thank you. Your patch is part of the model now.");
    }
    return view("refused", "Your patch was not used", newest.sentence.replace(/^Not used\. /, ""));
  }
  if (!facts.online) {
    return view(
      "offline",
      "Offline",
      "The relay can't be reached, so there is no work to fetch. This page notices when it is back.",
    );
  }
  if (facts.modelRetired !== null) {
    return view(
      "no-work",
      "This model is retired",
      sentences(
        `A maintainer says why: ${facts.modelRetired.replace(/[.\s]+$/, "")}.`,
        "You can read its history and try it.",
      ),
    );
  }
  if (facts.modelPaused) {
    return view(
      "no-work",
      "This model rests",
      "A maintainer paused it, so there is no work now. You can read its history and try it meanwhile.",
    );
  }
  const { kept } = facts;
  const waits =
    kept === null
      ? null
      : `A piece waits as you left it, at step ${formatCount(kept.step)} of ${formatCount(kept.steps)}, and goes on from there on the same GPU or CPU.`;
  return view("ready", "Ready when you are", sentences(waits, "Nothing runs until you say so."));
}

/** On what it works and, where it is not what was asked for, why on this device. */
function working({ shards, reason }: Snapshot, replayShards: number): string {
  if (shards.length === 0) return sentences("On a piece of the training data.", reason);
  const replay =
    replayShards === 0
      ? null
      : `${replayShards === 1 ? "One part repeats" : `${formatCount(replayShards)} of the parts repeat`} what the model learned first, so that it isn't forgotten.`;
  const titles = shards.map((title) => title.replace(/[.\s]+$/, "")); // they end a sentence here
  return sentences(`On ${listed.format(titles)}.`, replay, reason);
}

const listed = new Intl.ListFormat("en");

const sentences = (...parts: readonly (string | null)[]): string =>
  parts.filter((part) => part !== null).join(" ");

function download({ download: { doneBytes, totalBytes } }: Snapshot): VolunteerView["progress"] {
  if (totalBytes === 0) return { label: "Looking what is needed", share: null };
  const label = `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`;
  return { label, share: doneBytes / totalBytes };
}
