import { execFileSync } from "node:child_process";
import { cpus } from "node:os";

/** One measured figure (DESIGN §9). */
export type Row = {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** Such as "<= 9.15"; absent where nothing was promised. */
  readonly target?: string;
  /** Whether the value meets its target. */
  readonly holds?: boolean;
  /** What the value is to be compared with, from the same run or a proof. */
  readonly against?: string;
};

/** What a bench or simulation prints. */
export type Figures = {
  readonly name: string;
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly machine: Machine;
  readonly seed: number | string;
  readonly rows: readonly Row[];
};

export type Machine = {
  readonly cpu: string;
  readonly cores: number;
  readonly gpu: string;
  readonly node: string;
  readonly chromium: string;
};

/** A row whose `holds` follows from `value` and a bound. */
export function judgedRow(
  row: Omit<Row, "target" | "holds">,
  sign: "<=" | ">=",
  bound: number,
): Row {
  const holds = sign === "<=" ? row.value <= bound : row.value >= bound;
  return { ...row, target: `${sign} ${bound}`, holds };
}

/** The machine that this process runs on; "none" for what it lacks. */
export function describeMachine(): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model ?? "unknown",
    cores: all.length,
    gpu: firstLine("nvidia-smi", ["--query-gpu=name", "--format=csv,noheader"]),
    node: process.version,
    chromium: firstLine("chromium", ["--version"]),
  };
}

function firstLine(command: string, args: readonly string[]): string {
  try {
    const output = execFileSync(command, args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return output.split("\n")[0]?.trim() || "none";
  } catch {
    return "none"; // the command is not installed
  }
}

export function figuresOf(name: string, seed: number | string, rows: readonly Row[]): Figures {
  return { name, date: today(), machine: describeMachine(), seed, rows };
}

/** YYYY-MM-DD, in UTC. */
export function today(): string {
  return new Date().toISOString().slice(0, 10);
}

/** One JSON object, or a table for people. */
export function printFigures(figures: Figures, asJson: boolean): void {
  console.log(asJson ? JSON.stringify(figures) : formatTable(figures));
}

function formatTable({ name, date, machine, seed, rows }: Figures): string {
  const { cpu, cores, gpu, node, chromium } = machine;
  const cells = rows.map(({ what, value, unit, target, holds, against }) => [
    what,
    formatNumber(value),
    unit,
    target === undefined ? "" : `${target} ${holds ? "holds" : "MISSED"}`,
    against ?? "",
  ]);
  const head = ["what", "value", "unit", "target", "against"];
  const widths = head.map((title, c) =>
    Math.max(title.length, ...cells.map((row) => row[c]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, c) => cell.padEnd(widths[c] ?? 0))
      .join("  ")
      .trimEnd();
  return [
    `${name} · ${date} · seed ${seed} · ${cores} × ${cpu}, gpu ${gpu}, node ${node}, ${chromium}`,
    line(head),
    ...cells.map(line),
  ].join("\n");
}

export function formatNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toPrecision(5);
}
