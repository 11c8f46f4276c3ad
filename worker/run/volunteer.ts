import { publicKeyHex } from "../../core/crypto/signature.ts";
import { assert } from "../../core/errors.ts";
import type { RelayClient } from "../../core/protocol/client.ts";
import type { Phase, Snapshot, WorkerApi } from "../api.ts";
import type { Engine } from "../device/engine.ts";
import type { Platform } from "../device/platform.ts";
import type { Store } from "../store/store.ts";
import { portRoad } from "../swarm/road.ts";
import { createSwarm, type Swarm } from "../swarm/swarm.ts";
import { tellKept } from "./going-on.ts";
import { sendOutbox } from "./outbox.ts";
import { createPace } from "./pace.ts";
import { pinRelay, type Run } from "./session.ts";
import {
  createSnapshotFeed,
  isProcessorBusy,
  NO_PIECE,
  type SnapshotFeed,
} from "./snapshot-feed.ts";
import { noTabs, type Tabs } from "./tabs.ts";
import { holdSoon, type TrainingLock } from "./training-lock.ts";
import { runVolunteer } from "./volunteer-run.ts";
import { describeStop, OTHER_TAB } from "./words.ts";

export type VolunteerParts = {
  readonly openStore: () => Promise<Store>;
  readonly client: RelayClient;
  readonly engine: Engine;
  readonly lock: TrainingLock;
  readonly tabs?: Tabs;
  readonly platform: Platform;
  /** Name and version of the program, as its patches tell it: at most 120 characters. */
  readonly software: string;
  /** The program goes on when a run has ended, so that what is not sent by then can be. */
  readonly staysOpen?: boolean;
};

export type Volunteer = Omit<WorkerApi, "start"> & {
  /** As WorkerApi has it; with `pieces`, ends after that many. */
  start(options: Parameters<WorkerApi["start"]>[0] & { readonly pieces?: number }): Promise<void>;
  /** Resolves when nothing runs any more, to how it ended: "ready" or "stopped". */
  ended(): Promise<Snapshot>;
};

/** Phases in which no piece is about to be begun, if none is underway. */
const WAITING: ReadonlySet<Phase> = new Set(["no-work", "offline", "other-tab"]);

const FORGET_WAIT_MS = 5_000; // for a tab at work to end its step; one that the browser put to sleep is not waited for

type Opened = { readonly store: Store; readonly feed: SnapshotFeed; readonly swarm: Swarm };

type Running = {
  readonly kind: "sending" | "volunteering";
  readonly stop: AbortController;
  readonly ended: Promise<void>;
};

/** A platform whose sleepers for a network can also be woken by hand. */
function wakeable(platform: Platform): { readonly platform: Platform; readonly wake: () => void } {
  const sleepers = new Set<() => void>();
  const onOnline: Platform["onOnline"] = (wake) => {
    const stop = platform.onOnline?.(wake);
    sleepers.add(wake);
    return () => {
      stop?.();
      sleepers.delete(wake);
    };
  };
  return {
    platform: { ...platform, onOnline },
    wake() {
      for (const sleeper of [...sleepers]) sleeper();
    },
  };
}

/** A volunteer on one device: the commands of WorkerApi over the parts of its runtime. */
export function createVolunteer(parts: VolunteerParts): Volunteer {
  const { client, engine, lock, tabs = noTabs, software, staysOpen = false } = parts;
  const { platform, wake } = wakeable(parts.platform);
  const pace = createPace(platform);
  let opened: Opened | null = null;
  let running: Running | null = null;

  function parted(): Opened {
    assert(opened !== null, "a command before open");
    return opened;
  }

  /** Begin `work` in place of what runs now; how it ends is in the snapshot, never thrown. */
  function launch(
    kind: Running["kind"],
    work: (run: Run) => Promise<void>,
    onWait: () => void,
  ): void {
    const { store, feed, swarm } = parted();
    const before = running;
    const stop = new AbortController();
    const { signal } = stop;
    async function perform(): Promise<void> {
      before?.stop.abort();
      await before?.ended;
      let failure: string | null = null;
      try {
        const setAside = new Set<string>();
        const run = { store, client, swarm, platform, pace, feed, signal, setAside, software };
        await lock.hold(() => work(run), { signal, onWait });
      } catch (error) {
        if (!signal.aborted) failure = describeStop(error);
      }
      await swarm.counted(); // whoever ends the run may delete the store
      if (kind === "volunteering") {
        const kept = await tellKept(store);
        await resume(); // a run that has ended is not paused
        feed.set({ underway: false, finishing: false, kept });
        tabs.tellKeptChanged();
        if (failure === null) feed.enter("ready");
      }
      if (failure !== null) feed.enter("stopped", failure);
      if (running?.stop === stop) running = null; // in the same turn: who is told of the end may start at once
      if (running === null && kind === "volunteering" && staysOpen) sendLater();
    }
    running = { kind, stop, ended: perform() };
  }

  /** Send what waits, however long the relay is away. The page is told of the pieces alone: nobody has to wait for it. */
  function sendLater(): void {
    launch(
      "sending",
      async (run) => {
        const quiet = { ...run, feed: { ...run.feed, enter() {} } };
        await pinRelay(quiet); // another relay would refuse it for good
        await sendOutbox(quiet);
      },
      () => {}, // the tab that trains sends it
    );
  }

  /** Another tab left a piece, or is done with it. A run of this tab's own tells of it when it ends. */
  async function lookAgain(): Promise<void> {
    const { store, feed } = parted();
    const kept = await tellKept(store);
    if (running?.kind !== "volunteering") feed.set({ kept });
  }

  async function resume(): Promise<void> {
    pace.resume();
    parted().feed.setPaused(false);
  }

  async function stop(): Promise<void> {
    running?.stop.abort();
    await running?.ended;
    await resume();
  }

  /** Stop, and send nothing later either. */
  async function halt(): Promise<void> {
    while (running !== null) await stop();
  }

  return {
    async open(listener) {
      const store = await parts.openStore();
      const feed = createSnapshotFeed(platform, listener);
      const swarm = createSwarm({
        client,
        store,
        platform,
        isTraining: () => isProcessorBusy(feed.current()),
        onChange: (snapshot) => feed.set({ swarm: snapshot }),
      });
      opened = { store, feed, swarm };
      tabs.onForget(() => void halt().then(() => feed.clear()));
      tabs.onKeptChanged(() => void lookAgain());
      const keys = await store.keyPair();
      const contributor = keys === null ? null : await publicKeyHex(keys);
      const kept = await tellKept(store);
      feed.set({ contributor, pieces: await store.pieces(), kept });
      if ((await store.outbox()).length > 0) sendLater();
    },
    async start({ model, prefer, power, pieces = Number.POSITIVE_INFINITY }) {
      const { feed } = parted();
      await resume();
      pace.setPower(power);
      feed.set({ power, finishing: false });
      if (running?.kind === "volunteering") return;
      feed.set({ ...(feed.current().model === model ? {} : NO_PIECE), model });
      launch(
        "volunteering",
        (run) => runVolunteer(run, engine, { model, prefer, pieces }),
        () => feed.enter("other-tab", OTHER_TAB),
      );
    },
    async pause() {
      if (running?.kind !== "volunteering") return;
      pace.pause();
      parted().feed.setPaused(true);
    },
    resume,
    async finish() {
      if (running?.kind !== "volunteering") return;
      const { feed } = parted();
      if (!feed.current().underway && WAITING.has(feed.activity().phase)) return stop();
      feed.set({ finishing: true });
    },
    stop,
    async setPower(power) {
      pace.setPower(power);
      parted().feed.set({ power });
    },
    async wake() {
      wake();
    },
    async share(port) {
      parted().swarm.share(port && portRoad(port));
    },
    async forget() {
      const { store, feed } = parted();
      tabs.tellForget();
      await halt();
      await holdSoon(lock, () => store.forget(), FORGET_WAIT_MS, platform);
      tabs.tellKeptChanged();
      feed.clear();
    },
    async ended() {
      while (running !== null) await running.ended;
      return parted().feed.current();
    },
  };
}
