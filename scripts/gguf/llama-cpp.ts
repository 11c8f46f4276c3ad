import { execFileSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const VERSION = "3.21.1"; // of node-llama-cpp; its llama.cpp is of the same day
const FOLDER = fileURLToPath(new URL("../../data/prove-gguf/", import.meta.url));

/** What is used of node-llama-cpp. */
type Sequence = {
  controlledEvaluate(
    input: readonly (readonly [number, { generateNext: { probabilities: true } }])[],
  ): Promise<readonly { readonly next: { readonly probabilities: ReadonlyMap<number, number> } }[]>;
  clearHistory(): Promise<void>;
};
type LlamaCppModel = {
  tokenize(text: string, specialTokens: boolean, options: "trimLeadingSpace" | undefined): number[];
  detokenize(tokens: readonly number[]): string;
  createContext(options: object): Promise<{ getSequence(): Sequence; dispose(): Promise<void> }>;
  dispose(): Promise<void>;
};
type LlamaCpp = { loadModel(options: { modelPath: string }): Promise<LlamaCppModel> };

/** llama.cpp's own code, for the processor alone, from node-llama-cpp in a folder of its own. */
export async function openLlamaCpp(): Promise<LlamaCpp> {
  await mkdir(FOLDER, { recursive: true });
  const packages = ["node-llama-cpp", `@node-llama-cpp/linux-${process.arch}`];
  execFileSync(
    "npm",
    [
      ...["install", "--prefix", FOLDER, "--no-save", "--no-audit", "--no-fund"],
      ...["--ignore-scripts", "--omit=optional"], // those are builds for GPUs, hundreds of MB each
      ...packages.map((name) => `${name}@${VERSION}`),
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  const entry = join(FOLDER, "node_modules/node-llama-cpp/dist/index.js");
  const { getLlama } = await import(pathToFileURL(entry).href);
  return getLlama({ gpu: false, build: "never", logLevel: "error", maxThreads: 1 });
}

/** What llama.cpp makes of a GGUF file. */
export type Judged = {
  /** Mean loss of the windows in nats per token. */
  readonly lossNats: number;
  /** The likeliest continuation of the prompt. */
  readonly written: number[];
  readonly tokens: number[];
};

/** Run the model in `path`: each of `windows` [length + 1] by itself, and `length` tokens after `prompt`; read `text`. */
export async function judgeInLlamaCpp(
  llamaCpp: LlamaCpp,
  path: string,
  {
    windows,
    prompt,
    length,
    text,
  }: {
    readonly windows: readonly (readonly number[])[];
    readonly prompt: readonly number[];
    readonly length: number;
    readonly text: string;
  },
): Promise<Judged> {
  const model = await llamaCpp.loadModel({ modelPath: path });
  const longest = Math.max(prompt.length + length, ...windows.map((window) => window.length));
  const context = await model.createContext({ contextSize: longest + 8, threads: 1 });
  const sequence = context.getSequence();
  const probabilities = async (tokens: readonly number[]) => {
    const input = tokens.map(
      (token) => [token, { generateNext: { probabilities: true } }] as const,
    );
    return (await sequence.controlledEvaluate(input)).map(({ next }) => next.probabilities);
  };
  let sum = 0;
  let count = 0;
  for (const window of windows) {
    await sequence.clearHistory();
    const after = await probabilities(window.slice(0, -1));
    for (const [at, each] of after.entries()) {
      sum -= Math.log(each.get(window[at + 1]!)!);
      count++;
    }
  }
  await sequence.clearHistory();
  const written: number[] = [];
  let last = await probabilities(prompt);
  while (written.length < length) {
    const [likeliest] = last.at(-1)!.keys(); // sorted by probability
    written.push(likeliest!);
    last = await probabilities([likeliest!]);
  }
  const tokens = model.tokenize(text, false, undefined);
  await context.dispose();
  await model.dispose();
  return { lossNats: sum / count, written, tokens };
}
