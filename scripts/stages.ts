export type StageResult = {
  readonly name: string;
  readonly passed: boolean;
  readonly durationMs: number;
};

/**
 * Run every stage, also after one that failed, and `print` a line as each ends. `run` says whether a stage passed; `clock` is in ms.
 */
export function runStages(
  names: readonly string[],
  run: (name: string) => boolean,
  clock: () => number,
  print: (line: string) => void,
): StageResult[] {
  return names.map((name) => {
    const startedMs = clock();
    const passed = run(name);
    const stage = { name, passed, durationMs: clock() - startedMs };
    print(lineOf(stage));
    return stage;
  });
}

/** The stages as a table, and in its last line those that failed. */
export function stagesSummary(stages: readonly StageResult[]): string {
  const failed = stages.filter(({ passed }) => !passed).map(({ name }) => name);
  const totalMs = stages.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const end = failed.length === 0 ? "passed" : `FAILED: ${failed.join(", ")}`;
  return [...stages.map(lineOf), `npm test ${end}, in ${minutesOf(totalMs)}`].join("\n");
}

function lineOf({ name, passed, durationMs }: StageResult): string {
  return `${passed ? "passed" : "FAILED"}  ${minutesOf(durationMs)}  ${name}`;
}

/** 754,000 ms are "12:34". */
function minutesOf(durationMs: number): string {
  const seconds = Math.round(durationMs / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
