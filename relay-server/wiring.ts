import { encodeHex } from "../core/hex.ts";
import type { ModelSource } from "../core/models/model-source.ts";
import { CLOCK_SKEW_MS } from "../core/protocol/limits.ts";
import { tellAlerts } from "./alerts/alert-telling.ts";
import { createAlerts } from "./alerts/alerts.ts";
import { hearOthers } from "./among-others.ts";
import { type Config, fullSentence, placeName } from "./config.ts";
import { openAdditionFiles } from "./content/addition-files.ts";
import { createDamage } from "./content/damage.ts";
import { openDataFolder } from "./content/data-folder.ts";
import { openHeldOutStore } from "./content/held-out-store.ts";
import { createMaskCache } from "./content/masks.ts";
import type { Objects } from "./content/objects.ts";
import { openObjects } from "./content/open-objects.ts";
import { openPublicBlobs } from "./content/public-blobs.ts";
import { startScrub } from "./content/scrub.ts";
import { startWriteProbe } from "./content/write-probe.ts";
import type { RelayContext } from "./context.ts";
import { createAbsentApp } from "./doors/absent.ts";
import { createApp } from "./doors/app.ts";
import { createLimits } from "./doors/limits.ts";
import { type RequestHandler, startServing } from "./doors/serving.ts";
import { type OnDurable, tellWrites } from "./durable-steps.ts";
import { createAdditions } from "./history/additions.ts";
import { createCheckpoints } from "./history/checkpoints.ts";
import { createExports } from "./history/exports.ts";
import { importListed } from "./history/import-listed.ts";
import type { Progress } from "./history/import-model.ts";
import { promotePatches, sweepPatches } from "./history/promotion.ts";
import { openReferenceSeeds } from "./history/reference-seeds.ts";
import { onceAModel, openModels, serveModel } from "./history/served-models.ts";
import { openOwnIdentity } from "./identity.ts";
import { createQueue } from "./intake/queue.ts";
import { createSkewWatch } from "./intake/skew-watch.ts";
import { createStock } from "./intake/stock.ts";
import { createEarlyReferences } from "./judging/early-references.ts";
import { createJudgingPace } from "./judging/judging-pace.ts";
import { createLikeness } from "./judging/likeness.ts";
import { openJudging } from "./judging/open-judging.ts";
import { leaseTerms, startLeases } from "./leases.ts";
import { startPipeline } from "./loop.ts";
import { tellAnew } from "./merging/health.ts";
import { createRests } from "./merging/rests.ts";
import { createRevertOutlooks } from "./merging/revert-outlooks.ts";
import { StartError } from "./start-error.ts";
import { isStorageFull } from "./storage-error.ts";
import { createEventHub } from "./store/event-hub.ts";
import { ensureMaintainer } from "./store/maintainer-token.ts";
import { openLedger } from "./store/open-ledger.ts";
import type { StatusStore } from "./store/store.ts";
import { createSwarmBook } from "./swarm/swarm.ts";
import { openEvaluator } from "./threads/open-evaluator.ts";

export { StartError } from "./start-error.ts";

const ID_BYTES = 16; // nobody guesses or repeats it

export type RelayOptions = {
  readonly config: Config;
  /** Models to import on the first start. */
  readonly sources: readonly ModelSource[];
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Fresh random bytes, fit for secrets. */
  readonly random: (sizeBytes: number) => Uint8Array<ArrayBuffer>;
  readonly onProgress?: Progress;
  /** Hears of each write once it is on the disk: where crash tests end the process. */
  readonly onDurable?: OnDurable;
};

export type Relay = {
  readonly url: string;
  readonly port: number;
  /** Where the first maintainer's token is, unless its owner has moved it. */
  readonly maintainerTokenFile: string;
  /** What whoever started it should know, a sentence each. */
  readonly notes: readonly string[];
  /** The HTTP side without the network, for tests in the same process. */
  readonly fetch: RequestHandler;
  /** Finish what runs, end all connections, close all files. */
  close(): Promise<void>;
};

/** Start the relay; a StartError says in one sentence why it cannot. What was opened before it is closed again. */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const closers: (() => unknown)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    return await start(options, closers, close);
  } catch (error) {
    await close();
    if (isStorageFull(error)) throw new StartError(fullSentence(options.config.dataDir));
    throw error;
  }
}

async function start(
  { config, sources, clock, random, onProgress = () => {}, onDurable = () => {} }: RelayOptions,
  closers: (() => unknown)[],
  close: () => Promise<void>,
): Promise<Relay> {
  const folder = await openDataFolder(config.dataDir, {
    isShared: config.store !== "",
    bucket: config.content,
  });
  closers.push(folder.unlock);
  const starting = createAbsentApp(config, "the relay is starting");
  const serving = await startServing(config, (request) => starting.fetch(request));
  closers.push(serving.close);
  const opened = await openLedger({ store: config.store, path: folder.ledger });
  closers.push(opened.close);
  const { others } = opened;
  const importTurn = others?.importTurn ?? (async () => () => {}); // a relay alone imports one after the other
  const objects = openObjects(folder.content);
  const { ledger, blobs, heldOut } = tellWrites(
    {
      ledger: opened.ledger,
      blobs: openPublicBlobs(objects),
      heldOut: openHeldOutStore(objects),
    },
    onDurable,
  );
  const { evaluator, close: closeEvaluator } = openEvaluator(folder.content);
  closers.push(closeEvaluator);

  const pace = createJudgingPace();
  let tellAll = () => {}; // until there is somebody to tell
  const { signalling } = serving;
  const context: RelayContext = {
    config,
    clock,
    random,
    ...ledger,
    blobs,
    heldOut,
    identity: await openOwnIdentity(objects, placeName(config), ledger.status),
    referenceSeeds: await openReferenceSeeds(ledger.status, random),
    models: new Map(),
    signalling,
    swarm: createSwarmBook({
      clock,
      seed: () => encodeHex(random(ID_BYTES)),
      isPresent: ({ peer, token }) => signalling.networkOf(peer, token) !== null,
    }),
    pace,
    queue: createQueue(
      {
        ...ledger,
        pace,
        onAsker: (contributor, network) => others?.tell({ kind: "asker", contributor, network }),
      },
      clock,
    ),
    stock: createStock(ledger.history, clock),
    rests: createRests(ledger.contributions, clock),
    damage: createDamage(blobs),
    skew: createSkewWatch(CLOCK_SKEW_MS),
    probe: startWriteProbe(
      () => probeWrites(ledger.status, objects, clock()),
      () => tellAll(),
    ),
    nextMasks: new Map(),
    problems: new Map(),
    previews: new Map(),
    packets: new Map(),
    toldHealth: new Map(),
  };
  closers.push(context.probe.close);
  await sweepPatches(context);
  const notes = await importListed({ context, evaluator, importTurn }, sources, onProgress);
  const checkpoints = createCheckpoints(ledger.history, context.blobs);
  await openModels(context, checkpoints, evaluator);
  for (const model of context.models.keys()) await promotePatches(context, model);
  const token = await ensureMaintainer(context, folder);
  notes.push(token.note);

  const hub = await createEventHub(ledger.status);
  closers.push(hub.close);
  const scrub = startScrub(context, (model) => void tellAnew(context, hub, model));
  closers.push(scrub.close);
  tellAll = () => {
    for (const model of context.models.keys()) void tellAnew(context, hub, model);
  };
  let wakeLoop = (_model: string) => {}; // until there are loops
  const terms = leaseTerms(config.store === "", () => encodeHex(random(ID_BYTES)));
  const leases = await startLeases(ledger.history, terms, {
    models: () => [...context.models.keys()],
    sayOf: (model) => ({
      problem: context.problems.get(model) ?? null,
      scoreSeconds: pace.measured(model),
    }),
    hear(model, { problem, scoreSeconds }) {
      if (problem === null) context.problems.delete(model);
      else context.problems.set(model, problem);
      if (scoreSeconds !== null) pace.learn(model, scoreSeconds);
    },
    onChange: (model) => wakeLoop(model),
  });
  closers.push(leases.close);
  const positionsOf = createMaskCache(context.blobs);
  const { jobs, jurors, dismiss, evaluations, juryFor, trainer, closeTrainer } = openJudging({
    context,
    checkpoints,
    positionsOf,
    evaluator,
    newId: () => encodeHex(random(ID_BYTES)),
  });
  const likenessOf = createLikeness(context, positionsOf);
  const outlooks = createRevertOutlooks();
  const judging = { trainer, likenessOf, positionsOf };
  const evaluating = { evaluator, evaluations, juryFor };
  const parts = { context, checkpoints, ...evaluating, ...judging, hub, outlooks, leases };
  const pipeline = startPipeline(parts);
  wakeLoop = pipeline.wake;
  closers.push(() => Promise.all([pipeline.close(), closeTrainer()])); // at once: the pipeline may wait for a training …
  closers.push(jobs.close); // … or for a judge, which is told first
  const { exports, close: closeExports } = createExports(folder, checkpoints, context);
  closers.push(closeExports);
  const serve = onceAModel(async (row) => {
    await serveModel(context, checkpoints, evaluator, row);
    pipeline.follow(row.id); // also where the lease is another relay's, or comes later
    await leases.renew();
    await tellAnew(context, hub, row.id);
  });
  const additions = createAdditions({
    context,
    files: openAdditionFiles(objects),
    evaluator,
    place: folder.content,
    importTurn,
    serve,
    onData(model) {
      context.stock.forget(model);
      void tellAnew(context, hub, model); // the other relays hear of it too
    },
  });
  closers.push(additions.close);
  const limits = createLimits(context, (by, name) =>
    others?.tell({ kind: "spent", by, name, cost: 1 }),
  );
  const beginReference = createEarlyReferences(parts);
  if (others !== null) {
    const heard = { context, hub, limits, leases, pipeline, serve, beginReference };
    hearOthers(others, heard);
    await others.started();
  }
  const alerts = createAlerts(context);
  if (config.alertWebhook !== "") {
    const isMine = (model: string) => leases.fenceOf(model) !== null;
    closers.push(tellAlerts(config.alertWebhook, { context, alerts, isMine }).close);
  }
  const app = createApp({
    context,
    alerts,
    jobs,
    jurors,
    onDismissed: dismiss,
    additions,
    checkpoints,
    exports,
    hub,
    positionsOf,
    outlooks,
    limits,
    onWork(model) {
      pipeline.wake(model);
      others?.tell({ kind: "work", model });
    },
    onTicket({ model, base: { number: base } }) {
      if (leases.fenceOf(model) !== null) beginReference(model, base);
      else others?.tell({ kind: "ticket", model, base });
    },
  });
  const ending = createAbsentApp(config, "the relay is ending");
  let present = app;
  const fetch: RequestHandler = (request, env) => present.fetch(request, env);
  serving.open(fetch);
  closers.push(() => {
    present = ending; // first of all, since what it answers with is closed next
  });
  const { port } = serving;
  return {
    url: `http://localhost:${port}`,
    port,
    maintainerTokenFile: token.file,
    notes,
    fetch,
    close,
  };
}

/** Leave something small in the ledger and beside the blobs, as work that comes would. */
async function probeWrites(status: StatusStore, objects: Objects, now: number): Promise<void> {
  await status.putSetting("probe", String(now));
  await objects.put("tmp/probe", new Uint8Array(1));
}
