/** The thread that writes exports, so that no request waits while a whole model is read, checked and written. */
import { stat, writeFile } from "node:fs/promises";
import { parentPort } from "node:worker_threads";
import { type Download, downloadParts } from "../../core/models/downloads.ts";
import type { TokenizerFile } from "../../core/models/tokenizer.ts";
import { namedMasks, unionOfMasks } from "../../core/patch/named-masks.ts";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import type { RandomMask } from "../../core/protocol/schemas/mask.ts";
import { type Recipe, recipe as recipeSchema } from "../../core/protocol/schemas/recipe.ts";
import {
  applyDeltaStepInPlace,
  type DeltaStep,
  decodeDeltaStep,
  deltaStepBetween,
} from "../../core/tensors/delta-step.ts";
import { encodeDifference } from "../../core/tensors/difference.ts";
import { valuesAt } from "../../core/tensors/values-at.ts";
import { checkpointExport } from "../../export/checkpoint-export.ts";
import { writeExportFile } from "../../export/export-folder.ts";
import type { ExportedVersion } from "../../export/exported-version.ts";
import { ggufFile } from "../../export/gguf.ts";
import { huggingFaceFiles } from "../../export/hugging-face.ts";
import type { Release } from "../../export/release/release.ts";
import { releaseBody, sealedFiles, sealRelease } from "../../export/release/release-bundle.ts";
import type { ReleaseKey } from "../../export/release/release-key.ts";
import { writeZipFile } from "../../export/zip-file.ts";
import { type ObjectsPlace, openObjects } from "../content/open-objects.ts";
import { openPublicBlobs, type PublicBlobs } from "../content/public-blobs.ts";
import { type ParameterPath, readParameters, soundBlob } from "../content/read-parameters.ts";
import { answerCalls } from "./call-port.ts";

type Job = {
  /** Where the blobs lie. */
  readonly place: ObjectsPlace;
  readonly from: ParameterPath;
  /** The new file. */
  readonly path: string;
};

export type ExportJob = Job & {
  readonly version: Omit<ExportedVersion, "parameters" | "tokenizerFiles">;
  readonly as: "export.safetensors" | Download;
};

/** A difference to a later version: `from` is the earlier one, `steps` are the blobs that lead from it there. */
export type DifferenceJob = Job & { readonly steps: readonly string[] };

export type ReleaseJob = Job & {
  /** Its recipe is the blob that its act names. */
  readonly release: Omit<Release, "parameters" | "tokenizerFiles" | "recipe">;
  readonly key: ReleaseKey;
  /** The whole of it, or what only the relay can add to it. */
  readonly as: "release.zip" | "release.json";
};

const exporter = {
  /** Write the file; returns its size in bytes. An ExportRefused says why there can be none. */
  async write({ place, from, version, as, path }: ExportJob): Promise<number> {
    const blobs = openPublicBlobs(openObjects(place));
    const parameters = await readParameters(blobs, from);
    const tokenizerFiles = await readTokenizerFiles(blobs, version.recipe);
    const exported = { ...version, parameters, tokenizerFiles };
    if (as === "export.safetensors") await writeExportFile(checkpointExport(exported), path);
    else {
      const { dtype, kind } = downloadParts(as);
      const { id, number } = { id: version.recipe.id, number: version.record.number };
      if (kind === "gguf") await writeExportFile(ggufFile(exported, dtype), path);
      else {
        const at = new Date(version.record.createdAt);
        const files = huggingFaceFiles(exported, dtype);
        await writeZipFile(files, path, { folder: `${id}-${number}-${dtype}`, at });
      }
    }
    return (await stat(path)).size;
  },
  /** Write what the steps come to in one file; returns its size in bytes. */
  async writeDifference({ place, from, steps, path }: DifferenceJob): Promise<number> {
    const blobs = openPublicBlobs(openObjects(place));
    const before = await readParameters(blobs, from);
    const bytes = encodeDifference(await sumOfSteps(blobs, before, steps), before);
    await writeFile(path, bytes, { flag: "wx" });
    return bytes.length;
  },
  /** Write a release, signed with `key`; returns the file's size in bytes. An ExportRefused says why there can be none. */
  async writeRelease({ place, from, release, key, as, path }: ReleaseJob) {
    const blobs = openPublicBlobs(openObjects(place));
    const { acts } = release;
    const recipe = parseJson("recipe", recipeSchema, await soundBlob(blobs, acts.recipe));
    const parameters = await readParameters(blobs, from);
    const tokenizerFiles = await readTokenizerFiles(blobs, recipe);
    const body = releaseBody({ ...release, recipe, parameters, tokenizerFiles });
    const seal = await sealRelease(body, key);
    if (as === "release.json") await writeFile(path, JSON.stringify(seal), { flag: "wx" });
    else {
      const at = new Date(acts.release.record.createdAt);
      await writeZipFile(sealedFiles(body, seal), path, { folder: body.name, at });
    }
    return (await stat(path)).size;
  },
};
export type ExportThread = typeof exporter;

/** What delta steps in a row make of the parameters `before` [N], which stay as they are. */
async function sumOfSteps(
  blobs: Pick<PublicBlobs, "read">,
  before: Float32Array,
  steps: readonly string[],
): Promise<DeltaStep> {
  const after = new Float32Array(before);
  const named: RandomMask[] = [];
  let isNamed = true;
  for (const id of steps) {
    const step = decodeDeltaStep(await soundBlob(blobs, id), after);
    applyDeltaStepInPlace(after, step);
    if (step.masks === undefined) isNamed = false;
    else named.push(...step.masks);
  }
  const masks = isNamed ? namedMasks(named) : null;
  if (masks === null) return deltaStepBetween(before, after);
  const positions = unionOfMasks(masks, before.length);
  return { positions, values: valuesAt(after, positions), masks };
}

function readTokenizerFiles(
  blobs: Pick<PublicBlobs, "read">,
  { data }: Recipe,
): Promise<TokenizerFile[]> {
  return Promise.all(
    (data.tokenizer?.files ?? []).map(async ({ name, sha256 }) => ({
      name,
      bytes: await soundBlob(blobs, sha256),
    })),
  );
}

answerCalls(parentPort!, exporter);
