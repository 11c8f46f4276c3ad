import { transfer } from "comlink";
import type { SwarmNews } from "../worker/api.ts";
import type { SharingParts } from "./state/volunteer.svelte.ts";

/** What Chromium tells of the line (Network Information API); absent elsewhere. */
type Connection = EventTarget & { readonly saveData?: boolean; readonly type?: string };

/** Roads to other pages of the relay hosted in the folder `home`. Their code is fetched with the first one. */
export function openSharing(home: string): SharingParts {
  const { connection } = navigator as Navigator & { readonly connection?: Connection };
  let close = () => {};
  return {
    async openRoad() {
      close();
      const { port1, port2 } = new MessageChannel();
      if (globalThis.RTCPeerConnection === undefined) {
        port1.postMessage({ kind: "blocked" } satisfies SwarmNews);
      } else {
        const { openRoad } = await import("./swarm/road.ts");
        close = openRoad(port1, `${home}/`);
      }
      return transfer(port2, [port2]);
    },
    closeRoad: () => close(),
    isMetered: () => connection?.saveData === true || connection?.type === "cellular",
    onMetered: (hear) => connection?.addEventListener("change", hear),
  };
}
