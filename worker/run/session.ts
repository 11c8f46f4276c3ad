import { type KeyPair, publicKeyHex } from "../../core/crypto/signature.ts";
import type { RelayClient } from "../../core/protocol/client.ts";
import type { ModelCard } from "../../core/protocol/schemas/status.ts";
import { openCheckedEngine } from "../device/device-check.ts";
import type { Engine, RunningEngine } from "../device/engine.ts";
import type { Platform } from "../device/platform.ts";
import type { Store } from "../store/store.ts";
import type { Swarm } from "../swarm/swarm.ts";
import { orAborted } from "./abort.ts";
import type { Pace } from "./pace.ts";
import { withPatience } from "./patience.ts";
import type { SnapshotFeed } from "./snapshot-feed.ts";
import { DEVICE_BUSY, describeWait, RELAY_KEY_CHANGED, StoppedError } from "./words.ts";

/** What every step of a volunteer's run shares. */
export type Run = {
  readonly store: Store;
  readonly client: RelayClient;
  readonly swarm: Swarm;
  readonly platform: Platform;
  readonly pace: Pace;
  readonly feed: SnapshotFeed;
  readonly signal: AbortSignal;
  /** Ids in the outbox that this run does not try to send any more. */
  readonly setAside: Set<string>;
  /** Name and version of this program, as the patches tell it. */
  readonly software: string;
};

/** A run that may train: the device is open and the model is known. */
export type Session = Run & {
  readonly engine: RunningEngine;
  readonly keys: KeyPair;
  readonly relayKey: string;
  readonly card: ModelCard;
};

/** Open the device and learn what there is to train; the first time, the device gets its key. */
export async function openSession(
  run: Run,
  engine: Engine,
  { model, prefer }: { readonly model: string; readonly prefer: "webgpu" | "cpu" },
): Promise<Session> {
  const { store, client, feed, signal } = run;
  feed.enter("checking");
  const keys = await store.createKeyPair();
  feed.set({ contributor: await publicKeyHex(keys) });
  const open = await openRunEngine(run, engine, prefer);
  feed.enter("asking");
  const relayKey = await pinRelay(run);
  const card = await askPatiently(run, () => client.model(model, { signal }));
  return { ...run, engine: open, keys, relayKey, card };
}

/**
 * The relay's key: as it was at this device's first visit, which is written down. A relay that has another one now could be
 * anybody, and its signatures prove nothing: a StoppedError says so, before work is taken from it or given to it.
 */
export async function pinRelay(run: Run): Promise<string> {
  const { store, client, signal } = run;
  const { relayKey } = await askPatiently(run, () => client.health({ signal }));
  const pinned = await store.pinRelayKey(client.origin, relayKey);
  if (pinned !== relayKey) throw new StoppedError(RELAY_KEY_CHANGED);
  return relayKey;
}

/**
 * Open the device and check it, or do so anew after it was lost. A stop is heard at once, also while the
 * engine's files don't come or the device doesn't answer; the next run then waits for the device, and says so.
 */
export async function openRunEngine(
  run: Run,
  engine: Engine,
  prefer: "webgpu" | "cpu",
): Promise<RunningEngine> {
  const { feed, signal } = run;
  const { phase, reason } = feed.activity();
  const onWait = (waiting: boolean) => feed.enter(phase, waiting ? DEVICE_BUSY : reason);
  const open = await orAborted(openCheckedEngine(engine, prefer, { ...run, onWait }), signal);
  feed.set({ engine: open.name, device: open.device });
  return open;
}

/** Ask the relay until it answers; the page is told what is waited for. */
export function askPatiently<T>(run: Run, ask: () => Promise<T>): Promise<T> {
  const { phase, reason } = run.feed.activity();
  return withPatience(
    async () => {
      await run.pace.pass(run.signal);
      const answer = await ask();
      run.feed.enter(phase, reason);
      return answer;
    },
    {
      platform: run.platform,
      signal: run.signal,
      onWait: (error) => run.feed.enter(...describeWait(error)),
    },
  );
}

/**
 * Rest as the power control asks, and stand still while paused. Once the device came to rest `onStill` is awaited, which says
 * whether the piece is kept, and the page is told. Where it is null, the device does not stand still yet.
 */
export async function keepPace(
  { engine, platform, pace, feed, signal }: Session,
  onStill: (() => Promise<boolean>) | null = async () => false,
): Promise<void> {
  await pace.rest(
    signal,
    onStill &&
      (async () => {
        const pausedAt = pace.pausedAt();
        await engine.drain();
        const restedAt = platform.steadyMs();
        const isKept = await onStill();
        if (pausedAt !== null) feed.setDrained({ afterMs: restedAt - pausedAt, isKept });
      }),
  );
}
