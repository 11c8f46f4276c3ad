import { type Figures, formatNumber, type Row } from "../../bench/figures.ts";

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

const ROW_HEAD = ["what", "value", "target", "against"];

/** Measured rows beside their targets. */
export function rowTable(rows: readonly Row[]): string {
  return table(ROW_HEAD, rows.map(cellsOf));
}

/** Every row that has a target, study by study. */
export function targetTable(studies: readonly Pick<Figures, "name" | "date" | "rows">[]): string {
  const rows = studies.flatMap(({ name, date, rows: all }) =>
    all.filter(({ target }) => target !== undefined).map((row) => [name, date, ...cellsOf(row)]),
  );
  return table(["study", "date", ...ROW_HEAD], rows);
}

function cellsOf({ what, value, unit, target, holds, against }: Row): string[] {
  return [
    what,
    `${formatNumber(value)} ${unit}`.trim(),
    target === undefined ? "" : `${target}, ${holds ? "holds" : "**missed**"}`,
    against ?? "",
  ];
}

/** `text` with what stands between the markers of `name` replaced by `body`; at its end where they are not there yet. */
export function replaceSection(text: string, name: string, body: string): string {
  const [begin, end] = [`<!-- preset ${name} -->`, `<!-- end of ${name} -->`];
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to < from) return `${text.trimEnd()}\n\n${begin}\n${body}\n${end}\n`;
  return `${text.slice(0, from)}${begin}\n${body}\n${text.slice(to)}`;
}
