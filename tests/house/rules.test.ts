/** A rule of docs/protocol/ has one number, and what code, tests and docs cite is a rule. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const chapterFiles = readdirSync(join(root, "docs/protocol")).filter(
  (name) => name !== "README.md",
);
const protocol = chapterFiles
  .map((name) => readFileSync(join(root, "docs/protocol", name), "utf8"))
  .join("\n");
const rules = [...protocol.matchAll(/^- \*\*([A-Z]\d+)\b/gm)].map(([, rule]) => rule!);

/** `file: rule` of every rule that is cited as one: "protocol G5", or before a colon as a test's name begins. */
function citations(): string[] {
  const files = execFileSync("git", ["ls-files", "*.ts", "*.svelte"], {
    cwd: root,
    encoding: "utf8",
  });
  const chapters = new Set(rules.map((rule) => rule[0]!));
  return files
    .trim()
    .split("\n")
    .flatMap((file) => {
      const text = readFileSync(join(root, file), "utf8");
      const cited = text.matchAll(/(?:protocol |test\("|ledgerTest\(\s*")([A-Z]\d+)\b/g);
      return [...cited]
        .filter(([, rule]) => chapters.has(rule![0]!))
        .map(([, rule]) => `${file}: ${rule}`);
    });
}

test("house: each rule's number occurs once", () => {
  expect(rules.length).toBeGreaterThan(80);
  expect(rules.filter((rule, i) => rules.indexOf(rule) !== i)).toEqual([]);
});

test("house: the table of chapters says each one's last rule", () => {
  const table = readFileSync(join(root, "docs/protocol/README.md"), "utf8");
  const told = [...table.matchAll(/^\|.*\| ([A-Z]1 to [A-Z]\d+) \|$/gm)].map(([, range]) => range!);
  const last = new Map<string, number>();
  for (const rule of rules) {
    last.set(rule[0]!, Math.max(last.get(rule[0]!) ?? 0, Number(rule.slice(1))));
  }
  const expected = [...last].map(([letter, number]) => `${letter}1 to ${letter}${number}`);
  expect(told.sort()).toEqual(expected.sort());
});

test("house: every rule that is cited is written down", () => {
  const cited = citations();
  expect(cited.length).toBeGreaterThan(200);
  expect(cited.filter((citation) => !rules.includes(citation.split(": ")[1]!))).toEqual([]);
});
