import { Hono } from "hono";
import { routes } from "../../core/protocol/routes.ts";
import type { CheckpointPlan } from "../../core/protocol/schemas/checkpoint.ts";
import { encodeCheckpointFile } from "../../core/tensors/checkpoint-file.ts";
import type { RelayContext } from "../context.ts";
import type { Checkpoints } from "../history/checkpoints.ts";
import type { VersionRow } from "../store/tables.ts";
import type { StepRow } from "../store/versions.ts";
import { findModel, findVersion } from "./answers.ts";
import { pathPart, queryNumber } from "./params.ts";
import { Refusal } from "./refusal.ts";

const BYTES_PER_PARAMETER = 4;

/** How to build a version's checkpoint, and the whole of it as one file. */
export function checkpointRoutes(context: RelayContext, checkpoints: Checkpoints): Hono {
  const app = new Hono();
  app.get(routes.checkpoint(":model", ":version"), async (c) => {
    const { row } = await findModel(context, pathPart(c, "model"));
    const version = await findVersion(context, row, pathPart(c, "version"));
    const from = queryNumber(c, "from");
    if (from !== null && from > version.number) {
      throw new Refusal("version-unknown", `?from=${from} lies after version ${version.number}`);
    }
    return c.json(await planOf(version, from, row.parameters * BYTES_PER_PARAMETER));
  });
  app.get(routes.exported(":model", ":version"), async (c) => {
    const { row, recipe, layout } = await findModel(context, pathPart(c, "model"));
    const version = await findVersion(context, row, pathPart(c, "version"));
    const parameters = await checkpoints.parametersOf(version);
    const file = encodeCheckpointFile(layout, parameters, {
      model: row.id,
      version: version.id,
      number: String(version.number),
      licence: recipe.licence,
    });
    return c.body(file, 200, {
      "content-type": "application/octet-stream",
      "content-disposition": `attachment; filename="${row.id}-${version.number}.safetensors"`,
    });
  });

  /** Steps alone where they are smaller than the whole checkpoint; else from the last keyframe. */
  async function planOf(
    version: VersionRow,
    from: number | null,
    wholeBytes: number,
  ): Promise<CheckpointPlan> {
    const blobs = context.config.blobUrl;
    const { number, checkpoint } = version;
    if (from !== null) {
      const rows = await context.ledger.steps(version.model, from + 1, number, wholeBytes);
      if (rows !== null) {
        return { version: number, checkpoint, keyframe: null, steps: rows.map(stepOf), blobs };
      }
    }
    const { keyframe, steps } = await checkpoints.pathTo(version);
    const manifest = await checkpoints.manifestOf(keyframe);
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

function stepOf({ number, checkpoint, step, step_bytes }: StepRow) {
  return { version: number, checkpoint, sha256: step ?? "", sizeBytes: step_bytes };
}
