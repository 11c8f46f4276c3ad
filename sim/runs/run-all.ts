import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { describeMachine, today } from "../../bench/figures.ts";
import type { ResultStore, RunResult } from "./result-store.ts";
import { type RunSpec, titleOf } from "./spec.ts";

/**
 * Run every spec, `processes` at a time, and keep each result as soon as there is one: those that the store has are not
 * run again. Results come back in the order of the specs.
 */
export async function runAll(
  specs: readonly RunSpec[],
  { store, processes }: { readonly store: ResultStore; readonly processes: number },
): Promise<RunResult[]> {
  const results = new Map<RunSpec, RunResult>();
  const waiting: RunSpec[] = [];
  for (const spec of specs) {
    const known = await store.read(spec);
    if (known === null) waiting.push(spec);
    else results.set(spec, known);
  }
  console.error(`${specs.length} runs, ${specs.length - waiting.length} of them kept from before`);
  const machine = describeMachine();
  const total = waiting.length;
  let done = 0;

  async function work(): Promise<void> {
    let spec = waiting.shift();
    if (spec === undefined) return;
    const child = fork(new URL("./run-process.ts", import.meta.url), { serialization: "advanced" });
    const end = () => child.kill(); // it is too busy to hear that nobody listens any more
    process.once("exit", end);
    try {
      for (; spec !== undefined; spec = waiting.shift()) {
        const started = performance.now();
        const report = await askChild(child, spec);
        const seconds = (performance.now() - started) / 1000;
        const result = { report, seconds, date: today(), machine };
        results.set(spec, result);
        await store.write(spec, result);
        done++;
        console.error(`[${done}/${total}] ${titleOf(spec)}: ${lineOf(result)}`);
      }
    } finally {
      process.off("exit", end);
      end();
    }
  }
  await Promise.all(Array.from({ length: processes }, work));
  return specs.map((spec) => results.get(spec)!);
}

function lineOf({ report, seconds }: RunResult): string {
  const { accuracy, lossNats } = report.last;
  return `${(100 * accuracy).toFixed(2)}%, ${lossNats.toFixed(4)} nats, ${seconds.toFixed(0)} s`;
}

async function askChild(child: ChildProcess, spec: RunSpec): Promise<RunResult["report"]> {
  const heard = new AbortController(); // whichever comes first, the other is no longer listened for
  const answer = once(child, "message", { signal: heard.signal });
  const ended = once(child, "exit", { signal: heard.signal }).then(([code]) => {
    throw new Error(`${titleOf(spec)}: its process ended with code ${code}`);
  });
  child.send(spec);
  try {
    const [report] = await Promise.race([answer, ended]);
    return report;
  } finally {
    for (const other of [answer, ended]) other.catch(() => {});
    heard.abort();
  }
}
