import { transfer } from "comlink";
import type { SwarmNews } from "../worker/api.ts";
import { browserLine, meteredBy } from "./state/line.ts";
import type { SharingParts } from "./state/volunteer.svelte.ts";

/** Roads to other pages of the relay hosted in the folder `home`. Their code is fetched with the first one. */
export function openSharing(home: string): SharingParts {
  const line = browserLine();
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
    isMetered: () => meteredBy(line) === true,
    onMetered: (hear) => line?.addEventListener("change", hear),
  };
}
