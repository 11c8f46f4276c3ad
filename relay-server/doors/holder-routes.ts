import { Hono } from "hono";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import { routes } from "../../core/protocol/routes.ts";
import { type HoldersAnswer, holdersRequest } from "../../core/protocol/schemas/swarm.ts";
import { decodeBitfield, encodeBitfield, otherChunks } from "../../core/swarm/bitfield.ts";
import type { RelayContext } from "../context.ts";
import type { Checkpoints } from "../history/checkpoints.ts";
import { RENEW_WITHIN_MS } from "../swarm/holders.ts";
import { findModel } from "./answers.ts";
import type { Limits } from "./limits.ts";
import { pathPart } from "./params.ts";
import { Refusal } from "./refusal.ts";
import { createSharedLists } from "./shared-lists.ts";

/** Saying which chunks one has, and hearing who has others. */
export function holderRoutes(
  context: Pick<RelayContext, "history" | "models" | "clock" | "signalling" | "swarm">,
  checkpoints: Pick<Checkpoints, "manifestOf">,
  limits: Limits,
): Hono {
  const app = new Hono();
  const { signalling, swarm } = context;
  const sizeOf = createSharedLists(context, checkpoints);
  app.post(routes.holders(":model"), async (c) => {
    const { row } = await findModel(context, pathPart(c, "model"));
    const body = await limits.request(c);
    const request = parseJson("holders request", holdersRequest, body);
    const { peer, token, list, have, want, report } = request;
    const size = await sizeOf(row, list);
    if (size === null) {
      throw new Refusal(
        "list-unknown",
        `${row.id} shares its newest keyframes, its newest large delta steps and its shards alone`,
      );
    }
    const { chunks, sizeBytes } = size;
    const held = decodeBitfield(have, chunks);
    const wanted = want === undefined ? otherChunks(held, chunks) : decodeBitfield(want, chunks);
    const network = signalling.networkOf(peer, token);
    if (network === null) {
      throw new Refusal("peer-unknown", "this relay's signalling has no such peer: connect first");
    }
    const who = { peer, token, network };
    const of = { model: row.id, list };
    swarm.announce(of, who, held);
    if (report !== undefined) swarm.add({ ...of, sizeBytes }, who, report);
    const holders = swarm.choose(of, who, wanted);
    const answer: HoldersAnswer = {
      holders: holders.map((holder) => ({ peer: holder.peer, have: encodeBitfield(holder.have) })),
      renewWithinMs: RENEW_WITHIN_MS,
    };
    return c.json(answer);
  });
  return app;
}
