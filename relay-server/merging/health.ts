import { withinFlipBudget } from "../../core/gate/negative-flips.ts";
import { firstFresh, type GatePackets } from "../../core/gate/packets.ts";
import { PROTOCOL_VERSION } from "../../core/protocol/limits.ts";
import type { GateTest, Health, ModelHealth } from "../../core/protocol/schemas/status.ts";
import { type RelayContext, SOFTWARE } from "../context.ts";
import type { EventHub } from "../store/event-hub.ts";
import type { CaughtWork } from "../store/sql/spot-checks.ts";
import type { Rest } from "./rests.ts";

/** What the health of one model is told by. */
export type ModelHealthContext = Pick<
  RelayContext,
  | "contributions"
  | "history"
  | "status"
  | "clock"
  | "pace"
  | "problems"
  | "previews"
  | "packets"
  | "toldHealth"
  | "queue"
  | "rests"
  | "models"
  | "damage"
  | "probe"
  | "skew"
  | "swarm"
>;

type HealthContext = ModelHealthContext & Pick<RelayContext, "identity" | "config" | "signalling">;

export async function modelHealthOf(context: ModelHealthContext, id: string): Promise<ModelHealth> {
  const {
    contributions,
    history,
    status,
    clock,
    pace,
    problems,
    previews,
    packets,
    queue,
    rests,
    models,
    damage,
    probe,
    skew,
    swarm,
  } = context;
  const now = clock();
  const [row, counts, release, standard, gateTests, caught, acts] = await Promise.all([
    history.model(id),
    status.counts(id, now),
    history.release(id),
    history.standard(id),
    history.gateTests(id),
    contributions.caughtWork(id),
    history.actCount(id),
  ]);
  const head = row?.head ?? 0;
  const cohortSize = models.get(id)?.recipe.merge.cohortSize ?? 1;
  const rest = await rests({ model: id, head, cohortSize });
  const oldest = counts.oldestReceivedAt ?? now;
  const paused = row?.paused === 1 ? "a maintainer paused this model" : null;
  const retired = (row?.retired ?? null) === null ? null : "a maintainer retired this model";
  const turnedAway = queue.turnedAway(id);
  const isIdle = counts.received + counts.scored === 0;
  const held =
    turnedAway > 0 && isIdle
      ? "nothing waits to be judged, but work that is out and does not come back keeps others from work"
      : null;
  return {
    model: id,
    head,
    waiting: { received: counts.received, scored: counts.scored, queued: counts.queued },
    oldestSeconds: Math.max(0, Math.floor((now - oldest) / 1000)),
    lastMergeAt: counts.lastMergeAt,
    merged24h: counts.merged24h,
    refused24h: counts.refused24h,
    turnedAway,
    release: release === undefined ? null : { version: release.version, tag: release.tag },
    standard,
    onMask24h: counts.received24h === 0 ? null : counts.onMask24h / counts.received24h,
    scoreSeconds: pace.measured(id),
    gateTests,
    packets: packets.get(id) ?? [],
    caught: caught.map((work) => ({
      contributor: work.contributor,
      at: work.at,
      contributions: [...work.contributions],
      preview: previews.get(id)?.get(previewKey(work)) ?? null,
    })),
    swarm: swarm.figures(id),
    paused: paused !== null,
    retired: row?.retired ?? null,
    acts,
    problem:
      retired ??
      paused ??
      problems.get(id) ??
      probe.problem() ??
      skew.problem() ??
      damage.problem(id) ??
      spentBudget(gateTests[0]) ??
      restingWords(rest, gateTests[0]) ??
      held,
  };
}

/** How many packets of each suite are open, or spent: the others are left for gates to come. */
export function packetCounts(packets: GatePackets | null): ModelHealth["packets"] {
  return (packets?.suites ?? []).map(({ suite, packets: all }) => ({
    suite,
    opened: packets === null ? 0 : firstFresh(packets, suite),
    packets: all.length,
  }));
}

/** What a preview is of: it changes when more of the key's work is merged, or some is reverted. */
export function previewKey({ contributor, contributions }: CaughtWork): string {
  return `${contributor} ${contributions.join()}`;
}

/** Why a model rests, and the ways out (protocol H27); null where it does not. */
export function restingWords(rest: Rest | null, newest: GateTest | undefined): string | null {
  if (rest === null) return null;
  const found = `there is nothing to gain for now: ${rest.count} honest pieces on the newest version made it no better, so the relay gives out work now and then only`;
  const better = newest?.tests.find(
    ({ against, decision }) => against === "best" && decision !== "pass",
  );
  if (better === undefined)
    return `${found}; other data, another recipe or a larger model may gain more`;
  return `${found}. What they made was not as good as version ${better.version}, the best since the last release: tag the newest version as a release, or revert what made it worse than that`;
}

/** What to do where the newest candidate was held back by its flips: until then nothing is merged, and nobody is to blame. */
export function spentBudget(newest: GateTest | undefined): string | null {
  const flips = newest?.flips ?? null;
  if (newest?.decision !== "undecided" || flips === null) return null;
  if (withinFlipBudget(flips, flips.budget)) return null;
  const share = `${(100 * flips.budget).toFixed(1)}%`;
  return `more than ${share} of what version ${flips.version} had right would be lost: tag a newer version as a release, revert what flips most, or raise the recipe's flip budget`;
}

export async function healthOf(context: HealthContext): Promise<Health> {
  const models = await Promise.all(
    [...context.models.keys()].map((id) => modelHealthOf(context, id)),
  );
  return {
    status: isWell(context) ? "ok" : "degraded",
    software: SOFTWARE,
    protocol: { oldest: PROTOCOL_VERSION, newest: PROTOCOL_VERSION },
    relayKey: context.identity.publicKey,
    time: context.clock(),
    swarm: { iceServers: context.config.iceServers, peers: context.signalling.peers() },
    models,
  };
}

function isWell({ problems, damage, probe, skew, models }: HealthContext): boolean {
  if (problems.size > 0 || (probe.problem() ?? skew.problem()) !== null) return false;
  return [...models.keys()].every((model) => damage.problem(model) === null);
}

/** Append an event with the model's health, unless the last one told the same. */
export async function tellHealth(context: ModelHealthContext, id: string): Promise<ModelHealth> {
  const health = await modelHealthOf(context, id);
  const told = toldOf(health);
  if (context.toldHealth.get(id) === told) return health;
  await context.status.appendEvents([{ type: "health", data: health }]);
  context.toldHealth.set(id, told);
  return health;
}

/** The same, to be heard at once; never rejects. */
export async function tellAnew(
  context: ModelHealthContext,
  hub: EventHub,
  model: string,
): Promise<void> {
  try {
    await tellHealth(context, model);
    hub.wake();
  } catch {
    // the event cannot be written, as is to be expected then: GET /health tells it all the same
  }
}

/** What of a model's health is worth telling anew. */
function toldOf(health: ModelHealth): string {
  return JSON.stringify({ ...health, oldestSeconds: 0, scoreSeconds: 0, swarm: null }); // these never rest
}

/** An event told a model's health, another relay's perhaps: of a model that is not held here, it has the previews and the packets too. */
export function noteTold(
  { toldHealth, previews, packets }: Pick<RelayContext, "toldHealth" | "previews" | "packets">,
  health: ModelHealth,
  isHeld: boolean,
): void {
  toldHealth.set(health.model, toldOf(health));
  if (isHeld) return;
  packets.set(health.model, health.packets);
  const looked = health.caught.flatMap(({ preview, ...work }) =>
    preview === null ? [] : [[previewKey(work), preview] as const],
  );
  previews.set(health.model, new Map(looked));
}
