/** What the tabs of a browser tell one another; no tab hears itself. */
export type Tabs = {
  /** This device is being forgotten: the others stop, and know nothing more of what is kept. */
  tellForget(): void;
  onForget(hear: () => void): void;
};

/** Where there are no tabs. */
export const noTabs: Tabs = { tellForget: () => {}, onForget: () => {} };

/** What is used of a BroadcastChannel, which Node has, too. */
type Channel = {
  postMessage(message: unknown): void;
  addEventListener(type: "message", hear: (event: { readonly data: unknown }) => void): void;
};

const FORGET = "forget";

/** All tabs of an origin, over a channel of their own. */
export function channelTabs(channel: Channel): Tabs {
  return {
    tellForget: () => channel.postMessage(FORGET),
    onForget(hear) {
      channel.addEventListener("message", ({ data }) => {
        if (data === FORGET) hear();
      });
    },
  };
}
