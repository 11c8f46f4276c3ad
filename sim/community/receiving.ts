import type { Verdict } from "../../core/protocol/reject-codes.ts";
import { readWaiting, validateIntake } from "./intake.ts";
import type { SentPatch } from "./piece.ts";
import { probe } from "./probe.ts";
import { countOne, headOf, maskName, type SimRelay, type SimWaiting } from "./relay.ts";
import type { ContributionReport, Fate } from "./report.ts";
import { screenWaiting } from "./screening.ts";

/**
 * Steps 6 and 7 of the walk: check, screen and score what arrived, and queue it or refuse it. Whoever fails a spot
 * check loses its place in the queue too; the ids of what that refuses come back with the report.
 */
export async function receive(
  relay: SimRelay,
  sent: SentPatch,
  now: number,
): Promise<{ readonly report: ContributionReport; readonly struck: readonly string[] }> {
  const { piece } = sent;
  const name = maskName(piece.mask);
  countOne(relay.outstanding, name, -1);
  countOne(relay.arrived, name);
  const waiting = readWaiting(relay, sent, now);
  const seen = relay.isProbed ? await probe(relay, waiting) : null;
  const verdict = await judgeArrival(relay, waiting);
  const struck = verdict.ok ? queue(relay, waiting) : refuseWork(relay, waiting, verdict);
  const report: ContributionReport = {
    isLie: piece.volunteer.attack !== null,
    fate: verdict.ok ? "waiting" : verdict.code,
    lag: waiting.lag,
    isOnMask: name === maskName(headOf(relay).record.mask),
    sizeBytes: sent.bytes.length,
    head: headOf(relay).record.number,
    probe: seen,
  };
  return { report, struck };
}

async function judgeArrival(relay: SimRelay, waiting: SimWaiting): Promise<Verdict> {
  const taken = validateIntake(relay, waiting);
  return taken.ok ? screenWaiting(relay, waiting) : taken;
}

function queue(relay: SimRelay, waiting: SimWaiting): string[] {
  const name = maskName(waiting.sent.piece.mask);
  relay.queue.push(waiting);
  relay.seen.set(name, [...(relay.seen.get(name) ?? []), waiting]);
  return [];
}

/** Whether a spot check caught a lie. */
export function isCaught(fate: Fate): boolean {
  return fate === "spot-check-failed" || fate === "mask-mismatch";
}

/** Trust is lost with every refusal but that of late work; a failed spot check costs what waits, too. */
function refuseWork(
  relay: SimRelay,
  { contributor }: SimWaiting,
  verdict: Verdict & { ok: false },
): string[] {
  if (verdict.code === "stale") return [];
  relay.merges.set(contributor, 0);
  if (!isCaught(verdict.code)) return [];
  relay.suspects.add(contributor);
  const struck = relay.queue.filter((other) => other.contributor === contributor);
  relay.queue = relay.queue.filter((other) => other.contributor !== contributor);
  return struck.map(({ id }) => id);
}
