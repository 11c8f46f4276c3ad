import { isSameJudgement } from "../../core/gate/judgement-check.ts";
import { encodeHex } from "../../core/hex.ts";
import { encodePositions } from "../../core/patch/positions.ts";
import { MAX_JUDGEMENT_BYTES } from "../../core/protocol/limits.ts";
import type { JudgingJob } from "../../core/protocol/schemas/judging.ts";
import { type Judgement, valuesOf } from "../../core/training/judgement.ts";
import type { Answered, Jobs } from "./jobs.ts";

/** What a job came to, and who did it: a judge, or the relay itself (null). */
export type Done = Answered | { readonly judgement: Judgement; readonly judge: null };

/** Has a job of a model of `size` parameters done by a judge on another machine, or by `own` on the relay; always by `own` where it is to be certain. */
export type SharedWork = (
  job: Omit<JudgingJob, "id">,
  how: {
    readonly size: number;
    readonly isCertain: boolean;
    readonly own: () => Promise<Judgement>;
  },
) => Promise<Done>;

/** A judge's answer was not what the relay came to itself. */
export type OnLie = (judge: string, reason: string) => Promise<void>;

const CHECKED_SHARE = 1 / 16; // of judges' answers: a liar gives 16 on average, and nobody is refused by them alone

/** `lot` is in [0, 1) and nobody outside can tell it. */
export function createSharedWork({
  jobs,
  lot,
  onLie,
}: {
  readonly jobs: Pick<Jobs, "offer">;
  readonly lot: () => number;
  readonly onLie: OnLie;
}): SharedWork {
  return async (job, { size, isCertain, own }) => {
    const isAsked = !isCertain && answerBytes(job, size) <= MAX_JUDGEMENT_BYTES;
    const answered = isAsked ? await jobs.offer(job) : null;
    if (answered === null) return { judgement: await own(), judge: null };
    if (lot() >= CHECKED_SHARE) return answered;
    const judgement = await own();
    if (!isSameJudgement(answered.judgement, judgement)) {
      const what = job.work.kind === "train" ? "trained another delta" : "chose another mask";
      await onLie(answered.judge, `the relay did a job of ${job.model} again: the judge ${what}`);
    }
    return { judgement, judge: null };
  };
}

function answerBytes({ work }: Omit<JudgingJob, "id">, size: number): number {
  return work.kind === "train" ? 4 * valuesOf(work, size) * (work.pieces.length + 1) : size;
}

/** A mask as a job names it. */
export function positionsInHex(positions: Uint32Array | null, size: number): string | null {
  return positions === null ? null : encodeHex(encodePositions(positions, size));
}
