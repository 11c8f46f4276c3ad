import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { assert } from "../core/errors.ts";
import { medianOf } from "../core/median.ts";
import type { ModelSource } from "../core/models/model-source.ts";
import { digits } from "../models/digits/data.ts";
import { presidents } from "../models/presidents/data.ts";
import { temporaryFolder } from "../tests/e2e/stage.ts";
import { maintainerOf } from "../tests/fixtures/maintainer.ts";
import { startTestRelay, type TestRelay } from "../tests/fixtures/test-relay.ts";
import type { Row } from "./figures.ts";
import type { BenchOptions } from "./options.ts";

const MAIN = fileURLToPath(new URL("../cli/main.ts", import.meta.url));

/**
 * What judging a contribution costs the relay's own process, alone and with one `commonweight judge` beside it, in turn. The
 * volunteer and the judge are processes of their own. Quick: one pair of runs of digits; else three, and one of presidents.
 */
export async function measure({ seed, quick }: BenchOptions): Promise<Row[]> {
  const rows = await measureModel(digits, { seed, pairs: quick ? 1 : 3, pieces: 6 });
  if (!quick) rows.push(...(await measureModel(presidents, { seed, pairs: 1, pieces: 3 })));
  return rows;
}

async function measureModel(
  source: ModelSource,
  { seed, pairs, pieces }: { seed: number; pairs: number; pieces: number },
): Promise<Row[]> {
  const alone: number[] = [];
  const helped: number[] = [];
  let jobs = 0;
  for (let pair = 0; pair < pairs; pair++) {
    const name = `${source.recipe.id} ${seed} ${pair}`;
    alone.push((await measureRun(source, { name, pieces, withJudge: false })).seconds);
    const run = await measureRun(source, { name, pieces, withJudge: true });
    helped.push(run.seconds);
    jobs += run.jobs;
  }
  const what = (part: string) => `${source.recipe.id}: ${part}`;
  const before = medianOf(alone) ?? 0;
  const against = `${before.toFixed(3)} s without a judge`;
  return [
    { what: what("relay's processor time a contribution, no judge"), value: before, unit: "s" },
    { what: what("with one judge"), value: medianOf(helped) ?? 0, unit: "s", against },
    {
      what: what("jobs that the judge did a contribution"),
      value: jobs / pairs / pieces,
      unit: "",
    },
  ];
}

type Run = { readonly seconds: number; readonly jobs: number };

/** A volunteer's pieces, one after the other: the relay's processor seconds a piece, and the judge's jobs. */
async function measureRun(
  source: ModelSource,
  { name, pieces, withJudge }: { name: string; pieces: number; withJudge: boolean },
): Promise<Run> {
  const relay = await startTestRelay({ source, seed: name });
  const folder = await temporaryFolder();
  const judge = withJudge ? await startJudge(relay, join(folder.path, "judge.json")) : null;
  try {
    const before = process.cpuUsage();
    const flags = ["--model", source.recipe.id, "--pieces", String(pieces)];
    const volunteer = command(relay, ["volunteer", ...flags, "--folder", folder.path]);
    volunteer.stdout?.resume();
    const [code] = await once(volunteer, "exit");
    assert(code === 0, `the volunteer ended with ${code}`);
    const { user, system } = process.cpuUsage(before); // microseconds
    return { seconds: (user + system) / 1e6 / pieces, jobs: judge?.jobs() ?? 0 };
  } finally {
    await judge?.stop();
    await relay.remove();
    await folder.remove();
  }
}

/** A judge that a maintainer has named and that asks for work; it names itself on its first line. */
async function startJudge(relay: TestRelay, keyFile: string) {
  const words = ["judge", "--key-file", keyFile];
  const first = command(relay, words);
  const [line] = await once(createInterface({ input: first.stdout! }), "line");
  if (first.exitCode === null) await once(first, "exit"); // nobody has named it
  const judge = /[0-9a-f]{64}/.exec(line)?.[0] ?? "";
  const maintainer = await maintainerOf(relay);
  await maintainer.nameJudge({ judge, name: "bench", reason: "a measurement" });
  const process = command(relay, words);
  let done = 0;
  const lines = createInterface({ input: process.stdout! });
  lines.on("line", (line) => {
    done = Number(/^(\d+) jobs? done$/.exec(line)?.[1] ?? done);
  });
  await once(lines, "line");
  return {
    jobs: () => done,
    async stop() {
      process.kill("SIGINT");
      if (process.exitCode === null && process.signalCode === null) await once(process, "exit");
    },
  };
}

function command({ relay }: TestRelay, words: readonly string[]): ChildProcess {
  const args = [MAIN, ...words, "--relay", relay.url];
  return spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
}
