import { expect, test } from "vitest";
import { replaceSection, rowTable, targetTable } from "./markdown.ts";

test("a section is replaced between its markers, and what stands around it stays", () => {
  const first = replaceSection("# Results\n\nwords\n", "crowd", "one");
  expect(first).toContain("words");
  const second = replaceSection(`${first}\nafter\n`, "crowd", "two");
  expect(second).toContain("two");
  expect(second).not.toContain("one");
  expect(second).toMatch(/words[\s\S]*two[\s\S]*after/);
  expect(replaceSection(second, "crowd", "two")).toBe(second);
});

test("a missed target is printed as missed", () => {
  const rows = [
    { what: "a", value: 6, unit: "%", target: "<= 5", holds: false },
    { what: "b", value: 0.123456, unit: "", target: ">= 0.1", holds: true, against: "c" },
  ];
  expect(rowTable(rows).split("\n").slice(2)).toEqual([
    "| a | 6 % | <= 5, **missed** |  |",
    "| b | 0.12346 | >= 0.1, holds | c |",
  ]);
  const others = [{ what: "no promise", value: 1, unit: "" }];
  const studies = [
    { name: "sim one", date: "2026-11-28", rows: others },
    { name: "sim two", date: "2026-11-29", rows: [...others, ...rows] },
  ];
  expect(targetTable(studies).split("\n").slice(2)).toEqual([
    "| sim two | 2026-11-29 | a | 6 % | <= 5, **missed** |  |",
    "| sim two | 2026-11-29 | b | 0.12346 | >= 0.1, holds | c |",
  ]);
});
