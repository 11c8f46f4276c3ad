/** The thread that writes exports, so that no request waits while a whole model is read, checked and written. */
import { stat } from "node:fs/promises";
import { parentPort } from "node:worker_threads";
import { type Download, downloadParts } from "../../core/models/downloads.ts";
import { checkpointExport } from "../../export/checkpoint-export.ts";
import { writeExportFile } from "../../export/export-folder.ts";
import type { ExportedVersion } from "../../export/exported-version.ts";
import { ggufFile } from "../../export/gguf.ts";
import { huggingFaceFiles } from "../../export/hugging-face.ts";
import { writeZipFile } from "../../export/zip-file.ts";
import { type ObjectsPlace, openObjects } from "../content/open-objects.ts";
import { openPublicBlobs } from "../content/public-blobs.ts";
import { type ParameterPath, readParameters, soundBlob } from "../content/read-parameters.ts";
import { answerCalls } from "./call-port.ts";

export type ExportJob = {
  /** Where the blobs lie. */
  readonly place: ObjectsPlace;
  readonly from: ParameterPath;
  readonly version: Omit<ExportedVersion, "parameters" | "tokenizerFiles">;
  readonly as: "export.safetensors" | Download;
  /** The new file. */
  readonly path: string;
};

const exporter = {
  /** Write the file; returns its size in bytes. An ExportRefused says why there can be none. */
  async write({ place, from, version, as, path }: ExportJob): Promise<number> {
    const blobs = openPublicBlobs(openObjects(place));
    const parameters = await readParameters(blobs, from);
    const tokenizerFiles = await Promise.all(
      (version.recipe.data.tokenizer?.files ?? []).map(async ({ name, sha256 }) => ({
        name,
        bytes: await soundBlob(blobs, sha256),
      })),
    );
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
};
export type ExportThread = typeof exporter;

answerCalls(parentPort!, exporter);
