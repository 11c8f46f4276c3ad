import { validateLikeness } from "../../core/gate/likeness.ts";
import { agreementWith } from "../../core/gate/reference.ts";
import { screen, validateScore } from "../../core/gate/scoring.ts";
import { likenessTo } from "./intake.ts";
import type { SimRelay, SimWaiting } from "./relay.ts";
import type { Probe } from "./report.ts";
import { judgeOf, referenceFor, scoreOf } from "./screening.ts";
import { slopeOf } from "./slope.ts";

/** What every screen and score says of a contribution, whatever becomes of it, in time that is not the relay's. */
export async function probe(relay: SimRelay, waiting: SimWaiting): Promise<Probe> {
  const { probeStopwatch, model } = relay;
  const { score } = model.recipe;
  const reference = await referenceFor(relay, waiting.sent.piece);
  const agreement = reference === null ? null : agreementWith(reference, waiting.delta);
  const likeness = likenessTo(relay, waiting);
  const slopeNats = await probeStopwatch.time("screen", () => slopeOf(relay, waiting));
  const judge = judgeOf({ ...relay, stopwatch: probeStopwatch }, { score: "score" });
  const riseNats = await scoreOf(relay, waiting, judge);
  return {
    ...agreement,
    slopeNats,
    riseNats,
    likeness: likeness.others,
    passes: {
      agreement: screen(agreement, score).ok,
      likeness: validateLikeness(likeness, reference).ok,
      slope: slopeNats <= score.toleranceNats,
      score: validateScore(riseNats, score).ok,
    },
  };
}
