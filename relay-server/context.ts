import type { SharedPositions } from "../core/history/mask-epoch.ts";
import type { RevertPreview } from "../core/protocol/schemas/caught.ts";
import type { Recipe } from "../core/protocol/schemas/recipe.ts";
import type { ModelHealth } from "../core/protocol/schemas/status.ts";
import type { Layout } from "../core/tensors/layout.ts";
import type { Config } from "./config.ts";
import type { Damage } from "./content/damage.ts";
import type { HeldOutStore } from "./content/held-out-store.ts";
import type { PublicBlobs } from "./content/public-blobs.ts";
import type { WriteProbe } from "./content/write-probe.ts";
import type { ReferenceSeeds } from "./history/reference-seeds.ts";
import type { Identity } from "./identity.ts";
import type { Queue } from "./intake/queue.ts";
import type { SkewWatch } from "./intake/skew-watch.ts";
import type { Stock } from "./intake/stock.ts";
import type { JudgingPace } from "./judging/judging-pace.ts";
import type { Rests } from "./merging/rests.ts";
import type { Ledger } from "./store/store.ts";
import type { SwarmBook } from "./swarm/swarm.ts";

/** A model that the relay serves. */
export type ServedModel = {
  readonly recipe: Recipe;
  /** The recipe as the ledger has it. */
  readonly recipeText: string;
  readonly layout: Layout;
};

/** The peers of the relay's signalling. */
export type SignallingPeers = {
  peers(): number;
  /** Where the peer of that id is connected from, if it holds the id with that token; else null. */
  networkOf(id: string, token: string): string | null;
};

/** What the relay's parts share; each of them is given those of it that it names in its type. */
export type RelayContext = Ledger & {
  readonly config: Config;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly random: (sizeBytes: number) => Uint8Array<ArrayBuffer>;
  readonly blobs: PublicBlobs;
  readonly heldOut: HeldOutStore;
  readonly identity: Identity;
  readonly referenceSeeds: ReferenceSeeds;
  readonly models: Map<string, ServedModel>;
  readonly signalling: SignallingPeers;
  readonly swarm: SwarmBook;
  readonly pace: JudgingPace;
  readonly queue: Queue;
  readonly stock: Stock;
  readonly rests: Rests;
  readonly damage: Damage;
  readonly skew: SkewWatch;
  /** Whether the relay can write, as its last probe found. */
  readonly probe: WriteProbe;
  /** Positions for each model's next epoch once they are chosen, where its masks are shared. */
  readonly nextMasks: Map<string, SharedPositions>;
  /** By model, what the head would be without what caught keys had merged; in memory, since looking again is cheap. */
  readonly previews: Map<string, Map<string, RevertPreview>>;
  /** By model, how many packets of its suites are open, as its loop saw them last, or another relay's. */
  readonly packets: Map<string, ModelHealth["packets"]>;
  /** Why nothing is merged, by model, in plain words; written by the pipeline, read by `GET /health`. */
  readonly problems: Map<string, string>;
  /** The health that an event told last, by model. */
  readonly toldHealth: Map<string, string>;
};

export const SOFTWARE = "commonweight-relay/0.1";
