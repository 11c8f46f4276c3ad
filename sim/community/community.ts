import { assert } from "../../core/errors.ts";
import { countNegativeFlips } from "../../core/gate/negative-flips.ts";
import type { SignedVersion } from "../../core/protocol/schemas/version.ts";
import { evaluate } from "../../core/training/evaluate.ts";
import { metricsOf } from "../../core/training/metrics.ts";
import { type Attack, takesFreshKeys } from "./attacks.ts";
import { backdoorSuccess } from "./backdoor.ts";
import { createEventQueue } from "./event-queue.ts";
import { finishPiece } from "./finish-piece.ts";
import { isCohortDue, type MergeReport, mergeWaiting } from "./merging.ts";
import type { SentPatch, SimPiece, Version } from "./piece.ts";
import { isCaught, receive } from "./receiving.ts";
import { countOne, type Defence, headOf, maskName, openRelay, type SimRelay } from "./relay.ts";
import type { CommunityReport, ContributionReport, VersionReport } from "./report.ts";
import { arrangeShards, createShardDeck, type ShardArrangement } from "./shards.ts";
import type { SimModel } from "./sim-model.ts";
import { issueSimTicket, restUntil } from "./tickets.ts";
import { createTraffic } from "./traffic.ts";
import {
  createVolunteers,
  PIECE_SECONDS,
  renewKeys,
  type SimVolunteer,
  unit,
} from "./volunteer.ts";

export type CommunityOptions = {
  readonly volunteers: number;
  /** For how long: as many pieces as an average device does. About as many versions, if each takes one of everybody. */
  readonly versions: number;
  /** Share of the volunteers that lie. */
  readonly liars: number;
  readonly attack: Attack;
  /** Share of the volunteers that are slow. */
  readonly stale: number;
  readonly without: ReadonlySet<Defence>;
  readonly shards: ShardArrangement;
  /** Whether everybody begins at the same moment and takes equally long, so that all work comes in at once. */
  readonly isBurst: boolean;
  /** Whether devices differ by a factor of 30, and volunteers leave, also in the middle of a piece, and come back. */
  readonly isLifelike: boolean;
  /** The accuracy at which the run ends; null where its time alone does. */
  readonly until: number | null;
  /** Whether every screen and score is recorded for every contribution. */
  readonly isProbed: boolean;
  readonly seed: string;
};

export type CommunityResult = {
  readonly report: CommunityReport;
  readonly head: Version;
  /** The signed history, version 0 first. */
  readonly history: readonly SignedVersion[];
  /** What the history merged, by contribution id. */
  readonly merged: ReadonlyMap<string, SentPatch>;
};

/** What happens in a community; a piece is "lost" when its ticket is out for so long that nobody waits for it; "due" when what waits first may have waited long enough. */
type CommunityEvent =
  | { readonly kind: "ask"; readonly volunteer: SimVolunteer }
  | { readonly kind: "arrive"; readonly piece: SimPiece }
  | { readonly kind: "lost"; readonly piece: SimPiece }
  | { readonly kind: "due" };

const JITTER = 0.1; // of a piece's time, either way
const LEAVES = 0.1; // of its pieces, half of them in the middle, after which a lifelike volunteer goes away …
const AWAY_SECONDS = 8 * PIECE_SECONDS; // … for so long on average
const WAITED_SECONDS = 600; // for what is out (protocol M6)

/** A community in one process: real training, real bytes, real merges and gates, a simulated clock, no network. */
export async function runCommunity(
  shipped: SimModel,
  options: CommunityOptions,
  tell: (report: VersionReport) => void,
): Promise<CommunityResult> {
  const model = arrangeShards(shipped, options.shards);
  const volunteers = await createVolunteers(options);
  const relay = await openRelay(model, options);
  const decks = volunteers.map((volunteer) => createShardDeck(model, options, volunteer));
  const traffic = createTraffic(relay);
  const events = createEventQueue<CommunityEvent>();
  const versions: VersionReport[] = [];
  const contributions = new Map<string, ContributionReport>();
  const merged = new Map<string, SentPatch>();
  const endsAt = options.versions * PIECE_SECONDS;
  let issued = 0;

  /** When a volunteer that leaves now comes back, and whether it took a piece along; null where it stays. */
  function absenceOf({ random }: SimVolunteer, now: number) {
    if (!options.isLifelike || unit(random) >= LEAVES) return null;
    return { until: now + 2 * AWAY_SECONDS * unit(random), takesPiece: unit(random) < 0.5 };
  }

  async function ask(volunteer: SimVolunteer, now: number): Promise<void> {
    if (now >= endsAt) return;
    const rest = restUntil(relay, now);
    if (rest !== null) return events.push(rest, { kind: "ask", volunteer });
    const absence = absenceOf(volunteer, now);
    if (absence !== null) events.push(absence.until, { kind: "ask", volunteer });
    if (absence?.takesPiece === false) return;
    const piece = await issueSimTicket(relay, volunteer, issued++, decks[volunteer.index]!());
    traffic.download(piece);
    if (absence !== null) return events.push(now + WAITED_SECONDS, { kind: "lost", piece });
    const jitter = 1 + JITTER * (2 * unit(volunteer.random) - 1);
    const seconds = options.isBurst ? PIECE_SECONDS : volunteer.pieceSeconds * jitter;
    events.push(now + seconds, { kind: "arrive", piece });
  }

  async function arrive(piece: SimPiece, now: number): Promise<void> {
    const sent = await finishPiece(relay, piece);
    traffic.upload(sent);
    const { report, struck } = await receive(relay, sent, now);
    contributions.set(sent.id, report);
    for (const id of struck) settle(id, "spot-check-failed");
    const { attack } = piece.volunteer;
    if (isCaught(report.fate) && attack !== null && takesFreshKeys(attack)) {
      await renewKeys(piece.volunteer);
    }
    const [first] = relay.queue;
    if (first !== undefined)
      events.push(first.queuedAt + model.recipe.merge.cohortSeconds, { kind: "due" });
    await ask(piece.volunteer, now); // at once, before the relay has merged anything
  }

  async function merge(now: number): Promise<void> {
    const outcome = await mergeWaiting(relay, now);
    for (const { id, sent } of outcome.merged) {
      settle(id, "merged");
      merged.set(id, sent);
    }
    for (const code of Object.keys(outcome.away) as (keyof typeof outcome.away)[]) {
      for (const { id } of outcome.away[code]) settle(id, code);
    }
    if (outcome.merged.length === 0) return;
    traffic.publish(outcome.stepBytes);
    const report = await versionReportOf(relay, outcome, now, traffic);
    versions.push(report);
    tell(report);
  }

  function settle(id: string, fate: ContributionReport["fate"]): void {
    const contribution = contributions.get(id);
    assert(contribution !== undefined, `${id} never arrived`);
    contribution.fate = fate;
  }

  for (const volunteer of volunteers) {
    const start = volunteer.pieceSeconds * unit(volunteer.random);
    events.push(options.isBurst ? 0 : start, { kind: "ask", volunteer });
  }
  const isGoodEnough = () =>
    options.until !== null && (versions.at(-1)?.accuracy ?? 0) >= options.until;
  let end = 0;
  for (let next = events.pop(); next !== null && !isGoodEnough(); next = events.pop()) {
    const { at, event } = next;
    if (event.kind === "ask") await ask(event.volunteer, at);
    if (event.kind === "arrive") await arrive(event.piece, at);
    if (event.kind === "lost") countOne(relay.outstanding, maskName(event.piece.mask), -1);
    // what comes at the same moment is judged before anything is merged, as on the relay
    if (events.nextAt() !== at && isCohortDue(relay, at)) await merge(at);
    end = at;
  }
  while (relay.queue.length > 0 && !isGoodEnough()) await merge(end); // what was left over and will see no more cohorts
  const report = await reportOn(relay, versions, [...contributions.values()]);
  return { report, head: headOf(relay), history: relay.history, merged };
}

async function versionReportOf(
  relay: SimRelay,
  { merged, tests, gateExamples }: MergeReport,
  now: number,
  { bytesUp, bytesDown }: { readonly bytesUp: number; readonly bytesDown: number },
): Promise<VersionReport> {
  const { architecture } = relay.model.recipe;
  const head = headOf(relay);
  const { number, evaluation } = head.record;
  const { accuracy, lossNats } = evaluation.report;
  const parent = relay.versions[number - 1]!;
  return {
    version: number,
    at: now,
    accuracy,
    lossNats,
    merged: merged.length,
    liesMerged: merged.filter(({ sent }) => sent.piece.volunteer.attack !== null).length,
    tests,
    gateExamples,
    negativeFlips: countNegativeFlips(parent.report.answers, head.report.answers).share,
    backdoor: await backdoorSuccess(architecture, head.parameters, relay.model.heldOut.report),
    bytesUp,
    bytesDown,
  };
}

async function reportOn(
  relay: SimRelay,
  versions: readonly VersionReport[],
  contributions: readonly ContributionReport[],
): Promise<CommunityReport> {
  const { model, stopwatch, probeStopwatch } = relay;
  const { architecture } = model.recipe;
  const { report, protected: suite } = model.heldOut;
  const { base, last } = { base: model.base, last: headOf(relay).parameters };
  const [before, after] = [relay.versions[0]!.report, headOf(relay).report];
  const kept =
    suite === undefined
      ? null
      : {
          base: await evaluate({ architecture, parameters: base, examples: suite }),
          last: await evaluate({ architecture, parameters: last, examples: suite }),
        };
  return {
    base: metricsOf(before),
    last: metricsOf(after),
    versions,
    contributions,
    relaySeconds: { ...stopwatch.seconds },
    probeSeconds: { ...probeStopwatch.seconds },
    negativeFlips: countNegativeFlips(before.answers, after.answers).share,
    protected: kept && {
      base: metricsOf(kept.base),
      last: metricsOf(kept.last),
      negativeFlips: countNegativeFlips(kept.base.answers, kept.last.answers).share,
    },
    backdoor: {
      base: await backdoorSuccess(architecture, base, report),
      last: await backdoorSuccess(architecture, last, report),
    },
  };
}
