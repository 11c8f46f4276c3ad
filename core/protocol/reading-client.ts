import { type CallOptions, type HttpCall, query, segment } from "./http-call.ts";
import { routes } from "./routes.ts";
import { cloth } from "./schemas/cloth.ts";
import { contributionList } from "./schemas/contribution.ts";
import {
  health,
  type LeaderboardWindow,
  leaderboard,
  modelList,
  type RelayEvent,
  shardLedger,
} from "./schemas/status.ts";
import { signedVersion, versionList } from "./schemas/version.ts";

/**
 * What somebody reads who only looks: the part of the contract that a page needs before anybody presses anything. It
 * is apart so that the schemas of everything else can be loaded later.
 */
export function createReadingClient({ origin, ask }: HttpCall) {
  return {
    /** The relay's origin. */
    origin,
    health: (options?: CallOptions) => ask(health, routes.health(), options),
    models: async (options?: CallOptions) =>
      (await ask(modelList, routes.models(), options)).models,

    /** A page of the history, newest first; `before` is the last page's `next`. */
    versions: (model: string, { before, ...options }: CallOptions & { before?: number } = {}) =>
      ask(versionList, routes.versions(model) + query({ before }), options),
    /** `version` is a number, an id, a tag, or "head". */
    version: (model: string, version: number | string, options?: CallOptions) =>
      ask(signedVersion, routes.version(model, segment(version)), options),
    /** What a version's contributions touched, as a picture. */
    cloth: (model: string, version: number | string, options?: CallOptions) =>
      ask(cloth, routes.cloth(model, segment(version)), options),
    shards: (model: string, options?: CallOptions) =>
      ask(shardLedger, routes.shards(model), options),
    /** A contributor's contributions, newest first. */
    contributions: async ({ contributor, ...options }: CallOptions & { contributor: string }) =>
      (await ask(contributionList, routes.contributions() + query({ contributor }), options))
        .contributions,
    leaderboard: (model: string, window: LeaderboardWindow, options?: CallOptions) =>
      ask(leaderboard, routes.leaderboard() + query({ model, window }), options),

    /** The address for an EventSource that hears `topics`. */
    eventsUrl: (topics: readonly RelayEvent["type"][]) =>
      origin + routes.events() + query({ topics: topics.join(",") }),
    /** The address of a version's checkpoint as one safetensors file. */
    exportUrl: (model: string, version: number | string) =>
      origin + routes.exported(model, segment(version)),
    /** The address of a version as other tools load it, by a name such as f16.gguf (core/models/downloads.ts). */
    downloadUrl: (model: string, version: number | string, name: string) =>
      origin + routes.download(model, segment(version), name),
  };
}
export type ReadingClient = ReturnType<typeof createReadingClient>;
