import type { Contribution, ContributionState } from "../../core/protocol/schemas/contribution.ts";
import type { Piece } from "../../worker/api.ts";
import { refusalWords } from "../words/refusals.ts";

export type LifeStep = {
  readonly label: string;
  readonly state: "done" | "current" | "ahead" | "failed";
};

/** Where one piece is on its way from this browser into the model. */
export type PieceLife = {
  readonly stage: "waiting" | ContributionState;
  /** One plain sentence. */
  readonly sentence: string;
  readonly steps: readonly LifeStep[];
  /** Nothing more happens by itself. */
  readonly settled: boolean;
  /** The version it was merged into. */
  readonly version: number | null;
};

const STEPS = ["Received", "Looked at", "Scored", "Queued", "Merged"] as const;

/** How many of the steps a state has reached; the last of them is where the piece is. */
const DONE: Record<"waiting" | Exclude<ContributionState, "refused" | "reverted">, number> = {
  waiting: 0,
  received: 1,
  screened: 2,
  scored: 3,
  queued: 4,
  merged: 5,
};

/** How many of the steps work has behind it that is refused with a code; what is not here got as far as the relay. */
const PASSED: Readonly<Record<string, number>> = {
  unrelated: 1,
  harmful: 2,
  "spot-check-failed": 2,
  "mask-mismatch": 2,
  "no-gain": 4,
  "gate-failed": 4,
};

const SENTENCES = {
  waiting: "Safe on this device; it is sent as soon as the relay answers.",
  received: "Received and stored. Next, the relay looks whether it points where training points.",
  screened: "It points where training points. Some work is also scored on hidden examples.",
  scored:
    "On hidden examples it does no harm. Next, it is queued for a merge; some work is first trained a second time, to compare.",
  queued: "Passed its tests. It is in the next merge, together with other people's work.",
} as const;

/** The life of `piece`, from what the worker knows and the relay's newest word on it, if any. */
export function pieceLifeOf(piece: Piece, contribution: Contribution | undefined): PieceLife {
  const stage =
    contribution?.state ??
    (piece.sent === "refused" ? "refused" : piece.sent === "waiting" ? "waiting" : piece.state) ??
    "received";
  if (stage === "refused") {
    const reason = contribution?.reason ?? piece.refusal;
    const why =
      reason === null ? "No reason was given." : refusalWords(reason.code, reason.message);
    const done = piece.sent === "refused" ? 0 : (PASSED[reason?.code ?? ""] ?? 1);
    return {
      stage,
      sentence: `Not used. ${why}`,
      steps: failed(done),
      settled: true,
      version: null,
    };
  }
  if (stage === "reverted") {
    const why = contribution?.reason?.message ?? "";
    const sentence = `Taken out of the model again. ${why}`.trim();
    return {
      stage,
      sentence,
      steps: failed(STEPS.length, "Taken out"),
      settled: true,
      version: contribution?.version ?? null,
    };
  }
  const version = contribution?.version ?? null;
  const done = DONE[stage];
  const isEnd = stage === "merged";
  const steps = STEPS.map((label, at): LifeStep => {
    if (at >= done) return { label, state: "ahead" };
    return { label, state: at === done - 1 && !isEnd ? "current" : "done" };
  });
  const sentence =
    stage === "merged"
      ? version === null
        ? "Merged into the model."
        : `Merged into version ${version}. It is part of the model now.`
      : SENTENCES[stage];
  return { stage, sentence, steps, settled: stage === "merged", version };
}

/** Steps of a piece that got past the first `done` of them and no further; `label` says how it ended. */
function failed(done: number, label = "Not used"): LifeStep[] {
  const past = STEPS.slice(0, done).map((step): LifeStep => ({ label: step, state: "done" }));
  return [...past, { label, state: "failed" }];
}
