import type { Piece, RoadPort, Snapshot, SwarmNews, WorkerApi } from "../../worker/api.ts";
import type { OpenEngine } from "../engine.ts";
import { errorWords } from "../words/problems.ts";
import type { GuestRules } from "./guest-rules.ts";
import { CONSENT, readSettings, type Settings, writeSettings } from "./settings.ts";

/** The volunteer on this page: consent, the engine's newest snapshot, and the commands. */
export type PageVolunteer = ReturnType<typeof createPageVolunteer>;

/** What passing chunks on to other volunteers needs of the page. */
export type SharingParts = {
  /** A new road to other pages, ready to be handed to the engine. */
  openRoad(): Promise<RoadPort<SwarmNews>>;
  /** End the last road: its engine is gone, and cannot. */
  closeRoad(): void;
  /** Whether bytes cost money here, or are to be saved. */
  isMetered(): boolean;
  /** Hears that this has changed. */
  onMetered(hear: () => void): void;
};

const noSharing: SharingParts = {
  openRoad: () => Promise.reject(new Error("this page has no road")),
  closeRoad: () => {},
  isMetered: () => true,
  onMetered: () => {},
};

export function createPageVolunteer({
  openEngine,
  storage,
  sharing = noSharing,
  onForget = () => {},
}: {
  readonly openEngine: OpenEngine;
  readonly storage: Pick<Storage, "getItem" | "setItem">;
  readonly sharing?: SharingParts;
  /** This device is forgotten: what else the page keeps goes, too. */
  readonly onForget?: () => void;
}) {
  let settings = $state.raw(readSettings(storage));
  let snapshot = $state.raw<Snapshot | null>(null);
  let failure = $state.raw<string | null>(null);
  let asking = $state(false);
  let starting = $state(false);
  let switching = $state(false);
  let isHeld = false; // by the guest
  let engine: Promise<WorkerApi> | null = null;
  let turn = Promise.resolve(); // of the changes to what is shared
  let earlier: ReadonlySet<string> | null = null; // pieces that were there when the page was opened
  let isStored = true; // what was written last, if anything
  let metered = $state(sharing.isMetered());
  let isShared = false; // the engine has a road
  sharing.onMetered(() => {
    metered = sharing.isMetered();
    void share();
  });

  /** Take over what another tab chose, forgetting included. */
  function look(): void {
    if (isStored) settings = readSettings(storage);
  }

  function keep(change: Partial<Settings>): void {
    look();
    settings = { ...settings, ...change };
    isStored = writeSettings(storage, settings);
  }

  function connect(): Promise<WorkerApi> {
    engine ??= openEngine(
      (news) => {
        earlier ??= new Set(news.pieces.map(({ id }) => id));
        snapshot = news;
        if (news.phase !== "ready") starting = false;
        if (!isEngaged() && !starting) void share();
      },
      (sentence) => {
        failure = sentence;
        starting = false;
        engine = null;
        isShared = false;
        sharing.closeRoad();
        snapshot &&= { ...snapshot, phase: "stopped", reason: sentence, underway: false };
      },
    ).catch((error: unknown) => {
      engine = null; // the next command tries again
      throw error;
    });
    return engine;
  }

  /** Give the engine a command; what it throws is the one reason that the page shows. */
  async function command(run: (api: WorkerApi) => Promise<void>): Promise<void> {
    try {
      await run(await connect());
    } catch (error) {
      starting = false;
      failure ??= errorWords(error);
    }
  }

  async function start(model: string): Promise<void> {
    failure = null;
    starting = true;
    const { prefer, power } = settings;
    await share();
    await command((api) => api.start({ model, prefer, power }));
  }

  const isEngaged = () => !["ready", "stopped"].includes(snapshot?.phase ?? "ready");

  /** Give the engine a road to other pages while it may have one, and take it away else: one change after the other. */
  function share(): Promise<void> {
    turn = turn.then(settleSharing);
    return turn;
  }

  async function settleSharing(): Promise<void> {
    const isWanted = settings.sharing && !metered && !isHeld && (starting || isEngaged());
    if (isWanted === isShared || (engine === null && !isWanted)) return;
    isShared = isWanted;
    try {
      const port = isWanted ? await sharing.openRoad() : null;
      await (await connect()).share(port);
    } catch {
      isShared = false; // the page's files do not come, or the engine's: the relay sends everything, and the next start tries again
    }
  }

  return {
    get snapshot() {
      return snapshot;
    },
    /** The engine runs, be it that it waits: there is something to stop. */
    get engaged() {
      return isEngaged();
    },
    get failure() {
      return failure;
    },
    /** The consent text is open. */
    get asking() {
      return asking;
    },
    /** The button was pressed and the engine has not spoken yet. */
    get starting() {
      return starting;
    },
    /** Between an end and a start that belong together, or before the engine's first word of a start: not at rest. */
    get between() {
      return switching || starting;
    },
    get settings() {
      return settings;
    },
    /** Bytes cost money here: nothing is passed on. */
    get metered() {
      return metered;
    },
    get consented() {
      return settings.consent === CONSENT;
    },
    /** The newest piece that was made since the page was opened. */
    get newest(): Piece | null {
      return snapshot?.pieces.find(({ id }) => !earlier?.has(id)) ?? null;
    },
    /** Show what this browser did before, without any work. Only for those who agreed earlier. */
    greet: () => command(async () => {}),
    /** The one button: ask for consent, or start where it was given. */
    async press(model: string): Promise<void> {
      look();
      if (settings.consent === CONSENT) await start(model);
      else asking = true;
    },
    async agree(model: string): Promise<void> {
      keep({ consent: CONSENT });
      asking = false;
      await start(model);
    },
    decline(): void {
      asking = false;
    },
    pause: () => command((api) => api.pause()),
    resume: () => command((api) => api.resume()),
    finish: () => command((api) => api.finish()),
    stop: () => command((api) => api.stop()),
    /** The relay is there again: whatever waits for it asks at once. */
    async wake(): Promise<void> {
      if (engine !== null) await command((api) => api.wake());
    },
    async setPower(power: number): Promise<void> {
      keep({ power });
      if (snapshot !== null) await command((api) => api.setPower(power));
    },
    /** Pass chunks on to other volunteers from now on, or no more. */
    async setSharing(value: boolean): Promise<void> {
      keep({ sharing: value });
      await share();
    },
    /** The guest holds work back, or no more: nothing is passed on meanwhile. */
    async hold(value: boolean): Promise<void> {
      if (value === isHeld) return;
      isHeld = value;
      await share();
    },
    /** Hold work back by these rules from now on. */
    setGuest(change: Partial<GuestRules>): void {
      look();
      keep({ guest: { ...settings.guest, ...change } });
    },
    /** Delete what the engine keeps on this device, and the consent: the next start asks again. */
    async forget(): Promise<void> {
      await command((api) => api.forget());
      keep({ consent: null, sharing: false });
      await share();
      onForget();
    },
    /** GPU or CPU; a running piece is dropped and begun again there. What is paused or finishing stays so. */
    async setPrefer(prefer: "webgpu" | "cpu"): Promise<void> {
      keep({ prefer });
      const before = snapshot;
      if (before === null || before.model === null || !isEngaged()) return;
      switching = true;
      await command((api) => api.stop());
      await start(before.model);
      if (before.phase === "paused") await command((api) => api.pause());
      if (before.finishing) await command((api) => api.finish());
      switching = false;
    },
  };
}
