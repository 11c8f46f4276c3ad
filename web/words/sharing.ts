import type { SwarmSnapshot } from "../../worker/api.ts";
import { plural } from "./quantities.ts";

const WITHOUT = "The relay sends everything.";

/** Where passing chunks on stands, in a sentence or two. */
export function describeSharing({ state, peers, tried, connected }: SwarmSnapshot): string {
  switch (state) {
    case "opening":
      return "Looking for other volunteers.";
    case "blocked":
      return `This browser lets no page connect to another. ${WITHOUT}`;
    case "unserved":
      return `This relay brings no volunteers together. ${WITHOUT}`;
    case "away":
      return peers.length > 0
        ? `Connected with ${plural(peers.length, "volunteer")}.`
        : `The relay brings no volunteers together at the moment. ${WITHOUT}`;
    case "open":
      if (peers.length > 0) return `Connected with ${plural(peers.length, "volunteer")}.`;
      return tried > 0 && connected === 0
        ? `No connection with another volunteer came about. ${WITHOUT}`
        : `Nobody else is here who has something that you need. ${WITHOUT}`;
  }
}
