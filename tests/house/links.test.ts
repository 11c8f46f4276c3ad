/** A link in the docs leads to a file that is there, and to a heading that the file has. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const LINK = /\]\((?!\w+:|\/)([^)\s#]*)(?:#([^)\s]+))?\)/g; // [words](path#heading), but no address of the web

/** What a heading is called in an address: as the usual viewers of Markdown call it. */
function slugOf(heading: string): string {
  const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
  return words.replace(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-");
}

function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => slugOf(heading!.trim()));
}

/** The links of the page at `path` that lead nowhere. */
function brokenLinks(path: string, text: string): string[] {
  const broken: string[] = [];
  for (const [link, to, heading] of text.matchAll(LINK)) {
    const target = to === "" ? join(root, path) : join(root, dirname(path), decodeURI(to!));
    const there = existsSync(target);
    const found =
      there &&
      (heading === undefined || headingsOf(readFileSync(target, "utf8")).includes(heading));
    if (!found) broken.push(`${path}: ${link}`);
  }
  return broken;
}

test("house: every link of the docs leads somewhere", () => {
  const listed = execFileSync("git", ["ls-files", "*.md"], { cwd: root, encoding: "utf8" });
  const pages = listed.trim().split("\n");
  expect(pages.length).toBeGreaterThan(15);
  const broken = pages.flatMap((page) => brokenLinks(page, readFileSync(join(root, page), "utf8")));
  expect(broken).toEqual([]);
});

test("house: a link to a page or a heading that is gone is seen", () => {
  const text = "[a](docs/gone.md) [b](README.md#no-such-heading) [c](README.md#run-it)";
  expect(brokenLinks("page.md", text)).toEqual([
    "page.md: ](docs/gone.md)",
    "page.md: ](README.md#no-such-heading)",
  ]);
});
