/** What the tabs of a browser tell one another; no tab hears itself. */
export type Tabs = {
  /** This device is being forgotten: the others stop, and know nothing more of what is kept. */
  tellForget(): void;
  onForget(hear: () => void): void;
  /** What is kept of a begun piece is another than before, or none. */
  tellKeptChanged(): void;
  onKeptChanged(hear: () => void): void;
};

/** Where there are no tabs. */
export const noTabs: Tabs = {
  tellForget: () => {},
  onForget: () => {},
  tellKeptChanged: () => {},
  onKeptChanged: () => {},
};

/** What is used of a BroadcastChannel, which Node has, too. */
type Channel = {
  postMessage(message: unknown): void;
  addEventListener(type: "message", hear: (event: { readonly data: unknown }) => void): void;
};

const FORGET = "forget";
const KEPT_CHANGED = "kept changed";

/** All tabs of an origin, over a channel of their own. */
export function channelTabs(channel: Channel): Tabs {
  function on(message: string, hear: () => void): void {
    channel.addEventListener("message", ({ data }) => {
      if (data === message) hear();
    });
  }
  return {
    tellForget: () => channel.postMessage(FORGET),
    onForget: (hear) => on(FORGET, hear),
    tellKeptChanged: () => channel.postMessage(KEPT_CHANGED),
    onKeptChanged: (hear) => on(KEPT_CHANGED, hear),
  };
}
