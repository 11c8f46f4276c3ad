/**
 * Compares the logits of exported folders with PyTorch's, from the files alone: npm run prove:torch. Needs a Python with PyTorch, such
 * as Debian's python3-torch, in PYTHON or as python3.
 */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { dispose, tensor } from "@tensorflow/tfjs-core";
import { classLogits, createTransformer, tokenLogits } from "../core/models/transformer.ts";
import type { TransformerArchitecture } from "../core/protocol/schemas/transformer.ts";
import { uploadWeights } from "../core/training/weights.ts";
import { writeExportFolder } from "../export/export-folder.ts";
import { EXPORT_DTYPES, type ExportDtype, encodedBlocks } from "../export/export-values.ts";
import { huggingFaceFiles } from "../export/hugging-face.ts";
import { openBackend } from "../kernels/backend.ts";
import { exportedVersion } from "../tests/fixtures/exported-version.ts";
import {
  LOGIT_CASES,
  LOGIT_TOKENS,
  PIXELS,
  placedParameters,
} from "../tests/fixtures/logit-cases.ts";

const MOST_DIFFERENCE = 1e-4;
const PROGRAM = fileURLToPath(new URL("exported_logits.py", import.meta.url));
const { PYTHON = "python3" } = process.env;

await openBackend({ prefer: "cpu" });
const folder = await mkdtemp(join(tmpdir(), "commonweight-torch-"));
let worst = 0;
try {
  for (const [name, architecture] of Object.entries(LOGIT_CASES)) {
    for (const dtype of EXPORT_DTYPES) {
      const difference = await compare(architecture, dtype, join(folder, `${name} ${dtype}`));
      worst = Math.max(worst, difference);
      console.log(`${name}, ${dtype}: ${difference.toExponential(1)}`);
    }
  }
} finally {
  await rm(folder, { recursive: true });
}
console.log(
  `Largest difference of a logit: ${worst.toExponential(1)}; allowed is ${MOST_DIFFERENCE}.`,
);
process.exitCode = worst < MOST_DIFFERENCE ? 0 : 1;

async function compare(
  architecture: TransformerArchitecture,
  dtype: ExportDtype,
  path: string,
): Promise<number> {
  const parameters = rounded(placedParameters(architecture), dtype);
  await writeExportFolder(
    huggingFaceFiles(exportedVersion(architecture, { parameters }), dtype),
    path,
  );
  const inputs = join(folder, "inputs.json");
  await writeFile(inputs, JSON.stringify(inputsOf(architecture)));
  const said = execFileSync(PYTHON, [PROGRAM, path, inputs], { encoding: "utf8" });
  const theirs: number[] = JSON.parse(said);
  const ours = await logitsOf(architecture, parameters);
  if (theirs.length !== ours.length) throw new Error(`${path}: ${theirs.length} logits`);
  return theirs.reduce((most, value, i) => Math.max(most, Math.abs(value - ours[i]!)), 0);
}

/** `values` as they are after they have been written as `dtype`. */
function rounded(values: Float32Array, dtype: ExportDtype): Float32Array {
  const bytes = Uint8Array.from(Buffer.concat([...encodedBlocks(values, dtype)]));
  if (dtype === "f32") return new Float32Array(bytes.buffer);
  if (dtype === "f16") return Float32Array.from(new Float16Array(bytes.buffer));
  const bits = Uint32Array.from(new Uint16Array(bytes.buffer), (word) => word << 16);
  return new Float32Array(bits.buffer);
}

function inputsOf({ input }: TransformerArchitecture) {
  if (input.kind === "tokens") return { tokens: LOGIT_TOKENS };
  const { height, width, planes } = input;
  const at = (y: number, x: number, plane: number) =>
    PIXELS[(y * width + x) * planes + plane]! / 255;
  const range = (length: number) => Array.from({ length }, (_, i) => i);
  const image = range(height).map((y) =>
    range(width).map((x) => range(planes).map((plane) => at(y, x, plane))),
  );
  return { image };
}

async function logitsOf(architecture: TransformerArchitecture, parameters: Float32Array) {
  const model = createTransformer(architecture);
  const weights = uploadWeights(model, parameters);
  const isText = architecture.input.kind === "tokens";
  const images = { kind: "images", count: 1, pixels: PIXELS, labels: Uint8Array.of(0) } as const;
  const logits = isText
    ? tokenLogits(architecture, weights, tensor(LOGIT_TOKENS, [LOGIT_TOKENS.length], "int32"), {
        lastOnly: false,
      })
    : classLogits(architecture, weights, model.batch(images, Uint32Array.of(0)));
  const values = Float32Array.from(await logits.data());
  dispose([logits, ...weights.values()]);
  return values;
}
