import { setTimeout } from "node:timers/promises";
import { type Context, Hono } from "hono";
import { LRUCache } from "lru-cache";
import { assert } from "../../core/errors.ts";
import { type ReleaseActs, releaseActsOf } from "../../core/history/release-acts.ts";
import { downloadsOf } from "../../core/models/downloads.ts";
import { routes } from "../../core/protocol/routes.ts";
import type { CheckpointPlan } from "../../core/protocol/schemas/checkpoint.ts";
import { LEAST_DIFFERENCE_STEPS } from "../../core/tensors/difference.ts";
import { streamFile } from "../content/folder.ts";
import type { RelayContext, ServedModel } from "../context.ts";
import { decodeAct } from "../history/acts.ts";
import type { Checkpoints } from "../history/checkpoints.ts";
import { type Exports, ExportsBusyError, type ExportWish, exportName } from "../history/exports.ts";
import type { StepRow } from "../store/sql/versions.ts";
import type { VersionRow } from "../store/tables.ts";
import { findModel, findVersion } from "./answers.ts";
import { answerRepresentation, matches } from "./file-answer.ts";
import { pathPart, queryNumber } from "./params.ts";
import { Refusal } from "./refusal.ts";

const SINCE = /^since-(\d{1,9})\.safetensors$/;
const MAKING_MS = 20_000; // a connection on which nothing flows is ended after 30 s
const BYTES_PER_PARAMETER = 4;
const KEPT_PLAN_LETTERS = 8 << 20; // a model of 124M parameters has 500 chunks: 40 KB a plan

/** How to build a version's checkpoint, and the whole of it as one file. */
export function checkpointRoutes(
  context: Pick<RelayContext, "history" | "models" | "config">,
  checkpoints: Checkpoints,
  exports: Exports,
): Hono {
  const app = new Hono();
  // a version's way never changes, and telling it reads a manifest
  const plans = new LRUCache<string, string>({
    maxSize: KEPT_PLAN_LETTERS,
    sizeCalculation: ({ length }) => length,
  });
  app.get(routes.checkpoint(":model", ":version"), async (c) => {
    const { row } = await findModel(context, pathPart(c, "model"));
    const version = await findVersion(context, row, pathPart(c, "version"));
    const from = queryNumber(c, "from");
    if (from !== null && from > version.number) {
      throw new Refusal("version-unknown", `?from=${from} lies after version ${version.number}`);
    }
    const key = `${version.id} ${from}`;
    const known = plans.get(key);
    const plan =
      known ?? JSON.stringify(await planOf(version, from, row.parameters * BYTES_PER_PARAMETER));
    if (known === undefined) plans.set(key, plan);
    return c.body(plan, 200, { "content-type": "application/json" });
  });
  app.get(routes.exported(":model", ":version"), async (c) => {
    const model = await findModel(context, pathPart(c, "model"));
    const version = await findVersion(context, model.row, pathPart(c, "version"));
    return answerExport(c, model, version, { as: "export.safetensors" });
  });
  app.get(routes.download(":model", ":version", ":name"), async (c) => {
    const model = await findModel(context, pathPart(c, "model"));
    const version = await findVersion(context, model.row, pathPart(c, "version"));
    const offered = downloadsOf(model.recipe);
    const wished = pathPart(c, "name");
    if (wished === "release.zip" || wished === "release.json") {
      const acts = await actsOfRelease(version.model, pathPart(c, "version"));
      return answerExport(c, model, version, { as: wished, acts });
    }
    const since = SINCE.exec(wished)?.[1];
    if (since !== undefined) return answerDifference(c, model, version, Number(since));
    const as = offered.find((download) => download === wished);
    if (as !== undefined) return answerExport(c, model, version, { as });
    throw new Refusal("download-unknown", `${version.model} can be had as ${offered.join(", ")}`);
  });

  /** A refusal unless `tag` is a release that has a bundle. */
  async function actsOfRelease(model: string, tag: string): Promise<ReleaseActs> {
    const acts = releaseActsOf((await context.history.acts(model)).map(decodeAct), tag);
    if (acts !== null) return acts;
    const message = `${tag} is no release of ${model} with a bundle: ask by a release's number, and tag anew what is from before there were bundles`;
    throw new Refusal("download-unknown", message);
  }

  /** What the steps from an earlier version come to; a refusal where the steps themselves have no more bytes, or the whole model has. */
  async function answerDifference(
    c: Context,
    model: Awaited<ReturnType<typeof findModel>>,
    version: VersionRow,
    from: number,
  ): Promise<Response> {
    const { history } = context;
    const none = (why: string) =>
      new Refusal("download-unknown", `no difference from version ${from}: ${why}`);
    if (from + LEAST_DIFFERENCE_STEPS > version.number) throw none("the steps are too few");
    const since = await findVersion(context, model.row, String(from));
    const wholeBytes = model.row.parameters * BYTES_PER_PARAMETER;
    const rows = await history.steps(version.model, from + 1, version.number, wholeBytes);
    if (rows === null) throw none("the steps are larger than the whole model");
    const steps = rows.map(({ step }) => {
      assert(step !== null, "a version after version 0 has its step");
      return step;
    });
    const stepBytes = rows.reduce((sum, { step_bytes }) => sum + step_bytes, 0);
    const wish = { as: "difference", since, steps } as const;
    const { sizeBytes } = exports.kept(version, wish) ?? (await makeExport(model, version, wish));
    if (sizeBytes >= stepBytes) throw none(`it has ${sizeBytes} bytes, the steps ${stepBytes}`);
    return answerExport(c, model, version, wish);
  }

  async function answerExport(
    c: Context,
    model: ServedModel,
    version: VersionRow,
    wish: ExportWish,
  ): Promise<Response> {
    const isPlain = wish.as === "export.safetensors";
    const name = exportName(wish);
    const file = isPlain ? ".safetensors" : `-${name}`;
    const headers = {
      "cache-control": "no-cache",
      "content-type": "application/octet-stream",
      "content-disposition": `attachment; filename="${version.model}-${version.number}${file}"`,
    };
    const etag = isPlain ? `"${version.id}"` : `"${version.id}-${name}"`;
    const isKnown = matches(c.req.header("if-none-match") ?? "", [etag]);
    const kept = exports.kept(version, wish);
    // without its length: only the file's making tells it
    if (kept === null && c.req.method === "HEAD") return c.body(null, 200, { ...headers, etag });
    if (kept === null && isKnown) return c.body(null, 304, { ...headers, etag });
    const { path, sizeBytes } = kept ?? (await makeExport(model, version, wish));
    const read = async (start: number, end: number) => streamFile(path, start, end);
    return answerRepresentation(c, { whole: { sizeBytes, etag, read } }, headers);
  }

  /** A refusal where this version cannot be had so, as with a tokenizer that llama.cpp does not know. */
  async function makeExport(model: ServedModel, version: VersionRow, wish: ExportWish) {
    try {
      const found = await within(exports.make(model, version, wish), MAKING_MS);
      if (found !== null) return found;
    } catch (error) {
      if (error instanceof ExportsBusyError) throw beingMade();
      if (!(error instanceof Error) || error.name !== "ExportRefused") throw error;
      throw new Refusal("download-unknown", error.message);
    }
    throw beingMade();
  }

  /** Steps alone where they are smaller than the whole checkpoint; else from a keyframe. */
  async function planOf(
    version: VersionRow,
    from: number | null,
    wholeBytes: number,
  ): Promise<CheckpointPlan> {
    const blobs = context.config.blobUrl;
    const { number, checkpoint } = version;
    if (from !== null) {
      const rows = await context.history.steps(version.model, from + 1, number, wholeBytes);
      if (rows !== null) {
        return { version: number, checkpoint, keyframe: null, steps: rows.map(stepOf), blobs };
      }
    }
    const { keyframe, steps, manifest } = await checkpoints.downloadPath(version);
    return {
      version: number,
      checkpoint,
      keyframe: { version: keyframe.number, checkpoint: keyframe.checkpoint, manifest },
      steps: steps.map(stepOf),
      blobs,
    };
  }
  return app;
}

/** What `work` comes to, or null where it takes longer; it goes on without whoever asked. */
async function within<T>(work: Promise<T>, ms: number): Promise<T | null> {
  const ended = new AbortController();
  const late = setTimeout(ms, null, { signal: ended.signal }).catch(() => null);
  try {
    return await Promise.race([work, late]);
  } finally {
    ended.abort();
  }
}

function beingMade(): Refusal {
  const again = { "retry-after": "10" };
  return new Refusal("unavailable", "the relay is making this file: ask again", again);
}

function stepOf({ number, checkpoint, step, step_bytes }: StepRow) {
  return { version: number, checkpoint, sha256: step ?? "", sizeBytes: step_bytes };
}
