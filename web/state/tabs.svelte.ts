/** What is used of a BroadcastChannel and of the locks that all tabs of a browser share. */
type Channel = {
  postMessage(message: unknown): void;
  addEventListener(type: "message", hear: (event: { readonly data: unknown }) => void): void;
};
type Locks = { query(): Promise<{ held?: readonly { readonly name?: string }[] }> };

export const TRAINING_LOCK = "commonweight-training";

/** What another tab of this browser does, in its own words; null while none trains. */
export type OtherTab = {
  readonly current: { readonly title: string; readonly model: string | null } | null;
  /** Tell the others what this tab does; null for nothing. */
  tell(doing: { readonly title: string; readonly model: string | null } | null): void;
};

type Message =
  | { readonly kind: "hello" }
  | {
      readonly kind: "doing";
      readonly tab: string;
      readonly title: string;
      readonly model: string | null;
    }
  | { readonly kind: "nothing"; readonly tab: string };

const CHECK_MS = 5_000; // a tab that crashed says nothing more, and its lock is free

/**
 * Keep up with the other tabs: each says what it does as it changes. A tab that ended without a word is found out by
 * the lock that nobody holds any more.
 */
export function createOtherTab(
  tab: string,
  channel: Channel,
  locks: Locks | undefined,
  every: (ms: number, work: () => void) => void = (ms, work) => void setInterval(work, ms),
): OtherTab {
  let others = $state.raw<ReadonlyMap<string, { title: string; model: string | null }>>(new Map());
  let own: { readonly title: string; readonly model: string | null } | null = null;

  const say = (message: Message) => channel.postMessage(message);
  function sayOwn(): void {
    say(own === null ? { kind: "nothing", tab } : { kind: "doing", tab, ...own });
  }

  channel.addEventListener("message", ({ data }) => {
    const message = data as Message; // this page's own, on a channel of this build's name
    if (message.kind === "hello") {
      if (own !== null) sayOwn();
      return;
    }
    const next = new Map(others);
    if (message.kind === "doing") next.set(message.tab, message);
    else next.delete(message.tab);
    others = next;
  });
  say({ kind: "hello" });
  every(CHECK_MS, () => {
    if (others.size === 0) return;
    void locks?.query().then(({ held = [] }) => {
      if (!held.some(({ name }) => name === TRAINING_LOCK)) others = new Map();
    });
  });

  return {
    get current() {
      return others.values().next().value ?? null;
    },
    tell(doing) {
      if (doing?.title === own?.title && doing?.model === own?.model) return;
      own = doing;
      sayOwn();
    },
  };
}

/** Where there are no other tabs to hear of. */
export const noOtherTab: OtherTab = { current: null, tell: () => {} };
