import { assert } from "../../core/errors.ts";
import { isOwnMask, maskShareOf, validateSpotCheck } from "../../core/gate/spot-check.ts";
import { quantise } from "../../core/patch/quantiser.ts";
import { compareQuantised } from "../../core/patch/similarity.ts";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import { ticket as ticketSchema } from "../../core/protocol/schemas/ticket.ts";
import type { MaskCache } from "../content/masks.ts";
import type { RelayContext } from "../context.ts";
import { readPatch } from "../merging/member.ts";
import type { SpotCheckResult } from "../store/sql/spot-checks.ts";
import type { ContributionRow } from "../store/tables.ts";
import type { Setbacks } from "./setbacks.ts";
import type { Trainer } from "./trainer.ts";

export type SpotCheckParts = {
  readonly context: Pick<RelayContext, "tickets" | "contributions" | "models" | "clock">;
  readonly trainer: Trainer;
  readonly positionsOf: MaskCache;
  readonly setbacks: Setbacks;
};

/** Trains contributions of one model that were drawn by lot a second time, one at a time and in the background (protocol G19). */
export type SpotChecks = {
  /**
   * Write down what was found, and begin the next check if none runs. It is called between the loop's steps, so
   * that nothing is refused while it is merged. True if something was written.
   */
  step(): Promise<boolean>;
  /** What is found from now on is lost. */
  close(): void;
};

/**
 * `onEnd` is told when a check has ended: there may be something to write down, and the next may begin. A check that fails for
 * a reason of the relay's lets nobody off: the contribution waits for another, or is set aside.
 */
export function createSpotChecks(
  { context, trainer, positionsOf, setbacks }: SpotCheckParts,
  model: string,
  onEnd: () => void,
): SpotChecks {
  const { tickets, contributions, models, clock } = context;
  let isRunning = false;
  let isClosed = false;
  let write: (() => Promise<void>) | null = null;

  /** What comes out, and whether that is partly a judge's word; null if the contribution was refused meanwhile, and its bytes are gone. */
  async function compare(
    row: ContributionRow,
    isCertain: boolean,
  ): Promise<{ readonly result: SpotCheckResult; readonly isByJudge: boolean } | null> {
    const { layout } = models.get(row.model)!;
    const bytes = await contributions.waitingBytes(row.id);
    if (bytes === undefined) return null;
    const drawn = await tickets.ticket(row.ticket);
    assert(drawn !== undefined, `${row.id} has no ticket`);
    const { patch, positions, segments } = await readPatch(positionsOf, layout, bytes);
    const ticket = parseJson("ticket", ticketSchema, new TextEncoder().encode(drawn.ticket));
    const own = ticket.mask.kind === "own" ? await trainer.ownMask(ticket, isCertain) : null;
    const maskShare = own && maskShareOf(positions, own.positions);
    const isMaskByJudge = own !== null && own.judge !== null;
    const found = { contribution: row.id, maskShare };
    if (maskShare !== null && !isOwnMask(maskShare)) {
      return { result: { ...found, similarity: null, at: clock() }, isByJudge: isMaskByJudge };
    }
    const { delta, judge } = await trainer.retrain(ticket, positions, isCertain);
    // both quantised: the error that this makes is then the same in both, and hides nothing
    const similarity = compareQuantised(patch, quantise(delta, segments), segments);
    const result = { ...found, similarity, at: clock() };
    return { result, isByJudge: isMaskByJudge || judge !== null };
  }

  async function check(row: ContributionRow): Promise<void> {
    try {
      const first = await compare(row, false);
      // nobody is refused by a judge's word alone
      const isDoubtful = first?.isByJudge === true && !validateSpotCheck(first.result).ok;
      const found = isDoubtful ? await compare(row, true) : first;
      setbacks.succeed([row.id]);
      if (found === null) isRunning = false;
      else {
        const { result } = found;
        const verdict = validateSpotCheck(result);
        write = () =>
          verdict.ok
            ? contributions.passSpotCheck(result)
            : contributions.failSpotCheck(result, verdict);
      }
    } catch (error) {
      if (isClosed) return;
      console.error(error);
      const aside = setbacks.fail([row.id], error, clock());
      if (aside === null) isRunning = false;
      else write = () => contributions.setAside(aside, clock());
    }
    onEnd();
  }

  return {
    async step() {
      const found = write;
      if (found !== null) {
        await found();
        write = null;
        isRunning = false;
      }
      if (!isRunning) {
        const row = await contributions.nextSpotCheck(model, setbacks.resting(clock()));
        if (row !== undefined) {
          isRunning = true;
          void check(row);
        }
      }
      return found !== null;
    },
    close() {
      isClosed = true;
    },
  };
}
