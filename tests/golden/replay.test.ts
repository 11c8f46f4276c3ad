import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { halfBase } from "../fixtures/half-base.ts";
import { hasPython, runPython } from "../fixtures/python.ts";
import { openRepositoryStage } from "../fixtures/repository-stage.ts";
import { type HistoryEvent, signedHistory, writeRecord } from "../fixtures/signed-history.ts";

const REPLAY = fileURLToPath(new URL("./replay.py", import.meta.url));
const here = test.skipIf(!hasPython("cryptography"));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-python-"));
});
afterAll(() => rm(folder, { recursive: true }));

const EVENTS: readonly HistoryEvent[] = [
  { merge: 5 },
  { merge: 3 },
  { revert: 2 },
  { merge: 4 },
  { merge: 1 },
  { revert: 5 },
  { merge: 4 },
];

here.each(["mean", "disjoint-mean", "ties", "trimmed-mean", "median", "fisher"] as const)(
  "V6, V7, G11–G15, G21: a program in another language replays a history by %s, bit by bit",
  async (rule) => {
    for (const kind of ["random", "own"] as const) {
      const at = join(folder, `${rule}-${kind}`);
      const { source, versions } = await signedHistory(EVENTS, { rule, kind });
      await writeRecord(source, at);
      const { code, output, errors } = await runPython(REPLAY, at);
      expect({ code, errors }).toEqual({ code: 0, errors: "" });
      expect(output.trim().split("\n")).toEqual(
        versions.map(({ record }) => `${record.number} ${record.checkpoint}`),
      );
    }
  },
);

here(
  "T12: the same program replays a real relay's history from halves, and finds a damaged one out",
  async () => {
    const stage = await openRepositoryStage("random", {}, halfBase);
    try {
      const at = join(folder, "relay");
      await stage.read("clone", `${stage.url}/tiny`, at);
      const { code, output, errors } = await runPython(REPLAY, at);
      expect({ code, errors, versions: output.trim().split("\n").length }).toEqual({
        code: 0,
        errors: "",
        versions: 5,
      });
      const path = join(at, "versions/2.json");
      const text = await readFile(path, "utf8");
      await writeFile(path, text.replace(/"multiplier":(\d)/, '"multiplier":1$1'));
      const forged = await runPython(REPLAY, at);
      expect(forged.code).toBe(1);
      expect(forged.errors).toMatch(/^version [0-9a-f]{64} is not signed by/);
    } finally {
      await stage.remove();
    }
  },
  60_000,
);
