import type { RoadPort, SwarmNews, SwarmOrder } from "../api.ts";

/** The engine's end of the road to the page, where the connections with other pages are. */
export type Road = {
  order(order: SwarmOrder): void;
  /** Hear the news from now on. */
  listen(hear: (news: SwarmNews) => void): void;
};

/** The road over a port: the bytes of a served chunk are transferred, and gone from here. */
export function portRoad(port: RoadPort<SwarmNews>): Road {
  return {
    order(order) {
      port.postMessage(order, order.kind === "serve" ? [order.bytes.buffer] : []);
      if (order.kind === "close") port.close();
    },
    listen(hear) {
      port.addEventListener("message", ({ data }) => hear(data));
      port.start();
    },
  };
}
