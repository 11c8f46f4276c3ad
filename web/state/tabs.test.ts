import { expect, test } from "vitest";
import { createOtherTab, TRAINING_LOCK } from "./tabs.svelte.ts";

/** Tabs on one channel, each of which hears the others; `held` are the locks that anybody holds. */
function browser() {
  const hearers: ((event: { data: unknown }) => void)[] = [];
  const held: { name: string }[] = [];
  const rounds: (() => void)[] = [];
  const open = (name: string) => {
    let own: (event: { data: unknown }) => void = () => {};
    return createOtherTab(
      name,
      {
        postMessage(data) {
          for (const hear of hearers) if (hear !== own) hear({ data: structuredClone(data) });
        },
        addEventListener(_, hear) {
          own = hear;
          hearers.push(hear);
        },
      },
      { query: async () => ({ held }) },
      (_, work) => rounds.push(work),
    );
  };
  const round = async () => {
    for (const look of rounds) look();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { open, held, round };
}

test("a tab knows what another one does, as it changes, and also when it is opened later", () => {
  const { open } = browser();
  const training = open("one");
  const idle = open("two");
  training.tell({ title: "Training", model: "digits" });
  expect(idle.current).toMatchObject({ title: "Training", model: "digits" });
  expect(training.current).toBe(null);
  expect(open("three").current).toMatchObject({ title: "Training" });
  training.tell({ title: "Paused", model: "digits" });
  expect(idle.current?.title).toBe("Paused");
  training.tell(null);
  expect(idle.current).toBe(null);
});

test("a tab that crashed while it trained is forgotten with its lock", async () => {
  const { open, held, round } = browser();
  const idle = open("two");
  held.push({ name: TRAINING_LOCK });
  open("one").tell({ title: "Training", model: "digits" });
  await round();
  expect(idle.current?.title).toBe("Training");
  held.pop();
  await round();
  expect(idle.current).toBe(null);
});
