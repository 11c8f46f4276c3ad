/**
 * Runs exported GGUF files in llama.cpp's own code and compares losses, greedy continuations and tokens with ours: npm run prove:gguf.
 * Installs node-llama-cpp's build for the processor, 83 MB, into data/prove-gguf; nothing else here needs it.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateText } from "../core/models/generation.ts";
import { evaluate } from "../core/training/evaluate.ts";
import { meanOf } from "../core/training/metrics.ts";
import { writeExportFile } from "../export/export-folder.ts";
import { EXPORT_DTYPES } from "../export/export-values.ts";
import { ggufFile } from "../export/gguf.ts";
import { openBackend } from "../kernels/backend.ts";
import { exportedVersion } from "../tests/fixtures/exported-version.ts";
import { GGUF_CASES, type GgufCase, makeModel } from "./gguf/cases.ts";
import { judgeInLlamaCpp, openLlamaCpp } from "./gguf/llama-cpp.ts";

const MOST_DIFFERENCE = 1e-2; // nats per token
const PROMPT = "The whale ";
const TEXT = "We are met, the nation's 42 fathers\n\n  and so. Café Zürich: 5 € — 漢字!";
const WRITTEN = 40;

const llamaCpp = await openLlamaCpp();
await openBackend({ prefer: "cpu" });
const folder = await mkdtemp(join(tmpdir(), "commonweight-gguf-"));
try {
  for (const each of GGUF_CASES) await compare(each);
} finally {
  await rm(folder, { recursive: true });
}

async function compare(each: GgufCase): Promise<void> {
  const { name, architecture } = each;
  const { parameters, tokenizerFiles, tokenizer, heldOut } = await makeModel(each);
  const ours = meanOf((await evaluate({ architecture, parameters, examples: heldOut })).losses);
  const prompt = [...tokenizer.encode(PROMPT)];
  const greedy = { length: WRITTEN, temperature: 0, seed: 1 };
  const task = { architecture, parameters, prompt: Uint32Array.from(prompt), ...greedy };
  const written = [...(await generateText(task))];
  const windows = Array.from({ length: heldOut.count }, (_, i) => [
    ...heldOut.tokens.subarray(i * heldOut.length, (i + 1) * heldOut.length),
  ]);
  const given = tokenizerFiles.length === 0 ? {} : { tokenizer: { files: tokenizerFiles } };
  const version = exportedVersion(architecture, { parameters, ...given });
  for (const dtype of EXPORT_DTYPES) {
    const file = ggufFile(version, dtype);
    const path = join(folder, file.name);
    await writeExportFile(file, path);
    const asked = { windows, prompt, length: WRITTEN, text: TEXT };
    const theirs = await judgeInLlamaCpp(llamaCpp, path, asked);
    const same = written.findIndex((token, i) => token !== theirs.written[i]);
    const difference = theirs.lossNats - ours;
    const isSameText = String(theirs.tokens) === String(tokenizer.encode(TEXT));
    console.log(
      `${name}, ${dtype}: loss ${ours.toFixed(4)} here, ${theirs.lossNats.toFixed(4)} there (${difference.toExponential(1)}); ` +
        `${same < 0 ? WRITTEN : same} of ${WRITTEN} greedy tokens the same; tokens of a text ${isSameText ? "the same" : "others"}`,
    );
    if (Math.abs(difference) > MOST_DIFFERENCE || !isSameText) process.exitCode = 1;
    if (dtype === "f32" && same >= 0) process.exitCode = 1;
    await rm(path);
  }
}
