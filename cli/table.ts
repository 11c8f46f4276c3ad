/** Rows as lines with aligned columns, two spaces apart; numbers to the right. The first row is the head. */
export function tableLines(rows: readonly (readonly (string | number)[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, String(cell).length);
    }
  }
  const isNumeric = widths.map((_, column) =>
    rows.slice(1).every((row) => typeof row[column] === "number"),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const text = String(cell);
        return isNumeric[column] ? text.padStart(widths[column]!) : text.padEnd(widths[column]!);
      })
      .join("  ")
      .trimEnd(),
  );
}

const SHORT_ID = 12; // as the page shows ids

export const shortHash = (id: string) => id.slice(0, SHORT_ID);

/** The day and the minute of a time, in UTC. */
export const minuteOf = (timeMs: number) =>
  new Date(timeMs).toISOString().slice(0, 16).replace("T", " ");

/** A share such as "97.20%". */
export const percent = (share: number) => `${(100 * share).toFixed(2)}%`;

/** Such as "1 version" and "2 versions". */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
