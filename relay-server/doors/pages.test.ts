import { mkdtemp, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { pageRoutes } from "./pages.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-pages-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("a file that could not be read is read again", async () => {
  const told = vi.spyOn(console, "error").mockImplementation(() => {});
  const path = join(folder, "index.html");
  const built = new Date(0); // the file stays as old as it was
  await writeFile(path, "");
  await truncate(path, 2 ** 32); // more than Node reads at once; on the disk it is a hole
  await utimes(path, built, built);
  const app = pageRoutes(folder);
  expect((await app.request("/")).status).toBe(500);
  await writeFile(path, "<title>page</title>");
  await utimes(path, built, built);
  const page = await app.request("/");
  expect([page.status, await page.text()]).toEqual([200, "<title>page</title>"]);
  told.mockRestore();
});

test("an address in a folder that is not there leads to the page, which names its files from where it is", async () => {
  const answer = await pageRoutes(folder).request("/history/digits/2");
  expect([answer.status, answer.headers.get("location")]).toEqual([302, "../../"]);
});
