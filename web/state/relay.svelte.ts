import { SvelteMap } from "svelte/reactivity";
import type { RelayClient } from "../../core/protocol/client.ts";
import type { ReadingClient } from "../../core/protocol/reading-client.ts";
import { RelayError } from "../../core/protocol/relay-error.ts";
import type { AlertList, AlertRequest } from "../../core/protocol/schemas/alerts.ts";
import type { Contribution } from "../../core/protocol/schemas/contribution.ts";
import type { Now } from "../../core/protocol/schemas/now.ts";
import type {
  Health,
  Leaderboard,
  LeaderboardWindow,
  ModelCard,
  RelayEvent,
  ShardLedger,
} from "../../core/protocol/schemas/status.ts";
import type { SuiteLife } from "../../core/protocol/schemas/suite.ts";
import type { VersionList } from "../../core/protocol/schemas/version.ts";
import { type EventStream, openFeed } from "./feed.ts";
import { addVersion, mergeVersions } from "./history.ts";
import { createMaintainerDesk } from "./maintainer.svelte.ts";
import { type Memory, noMemory } from "./memory.ts";
import { createResource, type Resource } from "./resource.svelte.ts";

export type Link = "connecting" | "live" | "polling" | "offline";

const SILENCE_MS = 20_000; // a heartbeat and a third: what is shown is old then, whatever the line says
const ATTENDED_SILENCE_MS = 4_500; // while somebody looks at Health: told within 5 s that the relay does not answer
const ATTENDED_READ_MS = 2_000;
const LOOK_MS = 500;

const SEEN_AGAIN = /^(models|health|history .*|board .*)$/; // what the views begin with; records can be large
const OWN_KEPT = 50; // as many as the page lists

const CREDITS = ["board", "contributor"]; // what a "leaderboard" event is about, by its key

const TOPICS = ["version", "contribution", "leaderboard", "health"] as const;

/** What the page knows of the relay: read once, then kept fresh by the one event stream. */
export type PageRelay = ReturnType<typeof createRelay>;

/** `openWhole` fetches the code for what no visitor asks at first. */
export function createRelay(
  client: ReadingClient,
  openWhole: () => Promise<RelayClient>,
  openStream: (url: string) => EventStream,
  clock: { readonly now: () => number; readonly steadyMs: () => number },
  memory: Memory = noMemory,
) {
  let heardAtMs = $state<number | null>(null);
  let heardSteadyMs = clock.steadyMs();
  let silent = $state(false);
  let streaming = $state(false);
  let reachable = $state<boolean | null>(null);
  let outdated = $state(false);
  let starting = $state(false);
  let contributor = $state.raw<string | null>(null);
  let ownUnread = false;
  let attended = 0;
  const contributions = new SvelteMap<string, Contribution>();
  const resources = new Map<string, Resource<unknown>>();

  function heard(): void {
    heardAtMs = clock.now();
    heardSteadyMs = clock.steadyMs();
    silent = false;
  }

  /** Run one read and learn from how it ends whether the relay is there. */
  async function attempt<T>(read: () => Promise<T>): Promise<T> {
    try {
      const answer = await read();
      heard();
      reachable = true;
      starting = false;
      return answer;
    } catch (error) {
      if (error instanceof RelayError) {
        outdated ||= error.code === "outdated";
        starting = error.code === "unavailable";
        reachable = error.code !== "unreachable" && !starting;
      }
      throw error;
    }
  }

  /** The resource named `key`, made on first use. A key always has the same `load`, hence the same type. */
  function resource<T>(key: string, load: (known: T | null) => Promise<T>): Resource<T> {
    const found = resources.get(key) as Resource<T> | undefined;
    if (found !== undefined) return found;
    const made = createResource<T>((known) => attempt(() => load(known)), {
      seen: memory.recall(key) as T | null, // what this key's `load` came to in an earlier visit
      onValue: (value) => {
        if (SEEN_AGAIN.test(key)) memory.keep(key, value);
      },
    });
    resources.set(key, made as Resource<unknown>);
    return made;
  }

  const models = resource<readonly ModelCard[]>("models", async (known) =>
    (await client.models()).map((card) => {
      const head = known?.find(({ recipe }) => recipe.id === card.recipe.id)?.head;
      // an answer may be older than the event of a version that was published meanwhile
      return head !== undefined && head.number > card.head.number ? { ...card, head } : card;
    }),
  );
  const health = resource<Health>("health", () => client.health());
  const history = (model: string) =>
    resource<VersionList>(`history ${model}`, async (known) =>
      mergeVersions(known, await client.versions(model)),
    );
  /** Suites that people proposed, and what became of them. */
  const suites = (model: string) =>
    resource<readonly SuiteLife[]>(`suites ${model}`, async () =>
      (await openWhole()).suites(model),
    );
  /** What maintainers decided about a model, for everybody to read. */
  const acts = (model: string) =>
    resource(`acts ${model}`, async () => (await openWhole()).acts(model));
  /** What needs a maintainer. */
  const alerts = () => resource<AlertList>("alerts", async () => (await openWhole()).alerts());
  const desk = createMaintainerDesk(openWhole);
  const board = (model: string, window: LeaderboardWindow) =>
    resource<Leaderboard>(`board ${model} ${window}`, () => client.leaderboard(model, window));

  function learn(news: Contribution): void {
    const known = contributions.get(news.id);
    if (known !== undefined && known.updatedAt > news.updatedAt) return;
    contributions.set(news.id, news);
    memory.keep("own", [...contributions.values()].slice(-OWN_KEPT));
  }

  async function readOwn(key: string): Promise<void> {
    try {
      for (const own of await attempt(() => client.contributions({ contributor: key }))) learn(own);
      ownUnread = false;
    } catch {
      ownUnread = true; // the relay is away or does not know this key yet; the next round asks again
    }
  }

  function resync(): void {
    for (const each of resources.values()) if (each.watched) void each.refresh();
    if (contributor !== null) void readOwn(contributor);
  }

  function retry(): void {
    for (const each of resources.values()) {
      if (each.watched && each.problem !== null) void each.refresh();
    }
    if (contributor !== null && ownUnread) void readOwn(contributor);
  }

  function hear(event: RelayEvent): void {
    heard();
    if (event.type === "contribution") {
      const { contribution } = event.data;
      if (contribution.contributor === contributor) learn(contribution);
    } else if (event.type === "health") {
      const news = event.data;
      const before = health.value?.models.find(({ model }) => model === news.model);
      health.update((known) => {
        const models = known.models.map((one) => (one.model === news.model ? news : one));
        return { ...known, models: before === undefined ? [...models, news] : models };
      });
      const isListed = models.value?.some(({ recipe }) => recipe.id === news.model) ?? true;
      const isAnother = before !== undefined && before.acts !== news.acts;
      if (!isListed || isAnother) void models.refresh(); // a maintainer added it, or changed its recipe
      // … or accepted a suite, or released a version
      for (const decided of isAnother ? [suites(news.model), acts(news.model)] : []) {
        if (decided.watched) void decided.refresh();
      }
    } else if (event.type === "leaderboard") {
      for (const [key, each] of resources) {
        const isAbout = CREDITS.some((about) => key.startsWith(`${about} ${event.data.model} `));
        if (each.watched && isAbout) void each.refresh();
      }
    } else {
      const { model, version } = event.data;
      models.update((cards) =>
        cards.map((card) => (card.recipe.id === model ? { ...card, head: version } : card)),
      );
      void models.refresh(); // the card also counts contributors, which the event does not tell
      const list = history(model);
      const known = list.value && addVersion(list.value, version);
      if (known !== null) list.update(() => known);
      else if (list.watched) void list.refresh();
    }
  }

  return {
    /** Who maintains the relay from this browser. */
    desk,
    models,
    health,
    history,
    board,
    /** Keep fresh what those with the most credit in a model are called, until the returned function is called. */
    watchNames: (model: string) => board(model, "all").watch(),
    /** Null for a contributor who chose no name, or has too little credit to be on the board. */
    nameOf: (contributor: string, model: string): string | null =>
      board(model, "all").value?.entries.find((entry) => entry.contributor === contributor)?.name ??
      null,
    /** What the relay last said about this browser's contributions, by id. */
    contributions: contributions as ReadonlyMap<string, Contribution>,
    shards: (model: string) => resource<ShardLedger>(`shards ${model}`, () => client.shards(model)),
    alerts,
    /** Set from where on an alert is one; what the relay then tells is shown at once. */
    async setAlerts(request: AlertRequest): Promise<void> {
      const list = await desk.acts.setAlerts(request);
      alerts().update(() => list);
    },
    /** What was refused in the last day, by contributor and reason. */
    refusedWork: (model: string) =>
      resource(`refused ${model}`, async () => (await openWhole()).refusedWork(model)),
    /** What became of the day's work. */
    flow: (model: string) => resource(`flow ${model}`, async () => (await openWhole()).flow(model)),
    /** Who trains this minute. */
    now: (model: string) =>
      resource<Now>(`now ${model}`, async () => (await openWhole()).now(model)),
    suites,
    /** What forks of a model proposed to it. */
    proposals: (model: string) =>
      resource(`proposals ${model}`, async () => (await openWhole()).proposals(model)),
    acts,
    /** What maintainers did; only a signed-in one may read it. */
    audit: () => resource("audit", () => desk.acts.audit()),
    /** What somebody has done for a model, under which name. */
    contributor: (key: string, model: string) =>
      resource(`contributor ${model} ${key}`, async () =>
        (await openWhole()).contributor(key, model),
      ),
    /** The same, once. */
    lookUp: (key: string, model: string) =>
      attempt(async () => (await openWhole()).contributor(key, model)),
    /** Where somebody's newest patches reached, of those that version `head` and earlier ones merged. */
    contributorCloth: (key: string, model: string, head: number) =>
      resource(`reach ${model} ${key} ${head}`, async () =>
        (await openWhole()).contributorCloth(key, model),
      ),
    /** The life of any contribution. */
    contribution: (id: string) =>
      resource(`contribution ${id}`, async () => (await openWhole()).contribution(id)),
    version: (model: string, version: number) =>
      resource(`version ${model} ${version}`, () => client.version(model, version)),
    /** What a version's contributions touched. */
    cloth: (model: string, version: number) =>
      resource(`cloth ${model} ${version}`, () => client.cloth(model, version)),
    /** The release that the health names, while somebody watches it: the version tagged last. */
    release: (model: string) =>
      health.value?.models.find((each) => each.model === model)?.release ?? null,
    exportUrl: client.exportUrl,
    downloadUrl: client.downloadUrl,
    get outdated() {
      return outdated;
    },
    /** The relay is there and not ready yet: its first start reads the models' data. */
    get starting() {
      return starting;
    },
    /** What is shown may no longer be so: the relay is away, or has been silent for too long. */
    get isOld() {
      return silent || (reachable === false && !streaming);
    },
    /** When the relay was last heard of, by this device's clock; null if it was not in this visit. */
    get heardAtMs() {
      return heardAtMs;
    },
    get link(): Link {
      if (streaming) return silent ? "polling" : "live";
      return reachable === null ? "connecting" : reachable ? "polling" : "offline";
    },
    /** Read the page of the history that follows what is known. */
    async readOlder(model: string): Promise<void> {
      const list = history(model);
      const before = list.value?.next;
      if (before === undefined || before === null) return;
      const page = await attempt(() => client.versions(model, { before }));
      list.update((known) => mergeVersions(known, page));
    },
    /** Whose contributions to keep up with. */
    follow(key: string | null): void {
      if (key === contributor) return;
      contributor = key;
      if (key === null) return;
      for (const seen of (memory.recall("own") ?? []) as readonly Contribution[]) {
        if (seen.contributor === key) learn(seen);
      }
      void readOwn(key);
    },
    /** Ask for the health all the time, until the returned function is called: somebody watches whether the relay is there. */
    attend(): () => void {
      attended += 1;
      const unwatch = health.watch();
      const timer = setInterval(() => void health.refresh(), ATTENDED_READ_MS);
      return () => {
        attended -= 1;
        clearInterval(timer);
        unwatch();
      };
    },
    /** Start listening; returns how to stop. */
    open(): () => void {
      const timer = setInterval(() => {
        const limit = attended > 0 ? ATTENDED_SILENCE_MS : SILENCE_MS;
        silent = clock.steadyMs() - heardSteadyMs > limit;
      }, LOOK_MS);
      const close = openFeed({
        open: () => openStream(client.eventsUrl(TOPICS)),
        onEvent: hear,
        onResync: resync,
        onRound: retry,
        onHeard: heard,
        ...clock,
        onLive: (live) => {
          streaming = live;
        },
      });
      return () => {
        clearInterval(timer);
        close();
      };
    },
  };
}
