import { expect, test } from "vitest";
import { runStages, stagesSummary } from "./stages.ts";

/** Stages that take a minute and a half each, of which `broken` fail. */
function stagesOf(broken: readonly string[]) {
  let nowMs = 0;
  const lines: string[] = [];
  const stages = runStages(
    ["check", "test:unit", "test:browser"],
    (name) => {
      nowMs += 90_400;
      return !broken.includes(name);
    },
    () => nowMs,
    (line) => lines.push(line),
  );
  return { stages, lines };
}

test("a stage that fails keeps none of the others from running, and each says its time as it ends", () => {
  const { stages, lines } = stagesOf(["check"]);
  expect(stages.map(({ passed }) => passed)).toEqual([false, true, true]);
  expect(lines).toEqual([
    "FAILED  1:30  check",
    "passed  1:30  test:unit",
    "passed  1:30  test:browser",
  ]);
});

test("the summary's last line names the stages that failed", () => {
  expect(
    stagesSummary(stagesOf(["check", "test:browser"]).stages)
      .split("\n")
      .at(-1),
  ).toBe("npm test FAILED: check, test:browser, in 4:31");
  expect(stagesSummary(stagesOf([]).stages).split("\n").at(-1)).toBe("npm test passed, in 4:31");
});
