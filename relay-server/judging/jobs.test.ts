import { afterEach, beforeEach, expect, test } from "vitest";
import type { JudgingJob } from "../../core/protocol/schemas/judging.ts";
import type { Judgement } from "../../core/training/judgement.ts";
import { tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import { createJobs, type Jobs } from "./jobs.ts";

const SECOND = 1000;
const JUDGEMENT: Judgement = { kind: "own-mask", positions: Uint32Array.of(1) };
const offered: Omit<JudgingJob, "id"> = {
  model: "tiny",
  architecture: tinyRecipe.architecture,
  base: { number: 0, checkpoint: "00".repeat(32) },
  work: {
    kind: "own-mask",
    policy: { examples: 1, damping: 0, outputShare: 0, vectorShare: 0, tensorCap: 1 },
    count: 1,
    pieces: [{ shards: [], seed: 1 }],
  },
};
let now = 0;
let made = 0;
let jobs: Jobs;
beforeEach(() => {
  now = 1_000_000;
  made = 0;
  jobs = createJobs(
    () => now,
    () => String(++made).padStart(32, "0"),
  );
});
afterEach(() => jobs.close());
/** Let a moment pass, and the jobs notice it. */
function pass(seconds: number): void {
  now += seconds * SECOND;
  jobs.sweep();
}

test("J2: without a judge the relay does its jobs itself, at once", async () => {
  expect(await jobs.offer(offered)).toBeNull();
});

test("J2: a judge that asked lately is given the job that has waited longest, and no other judge is given it", async () => {
  expect(jobs.take("a")).toBeNull();
  const first = jobs.offer(offered);
  const second = jobs.offer(offered);
  const [one, other] = [jobs.take("a")!, jobs.take("b")!];
  expect([one.id, other.id]).toEqual(["1", "2"].map((id) => id.padStart(32, "0")));
  expect(jobs.take("c")).toBeNull();
  expect(jobs.finish("b", other.id, JUDGEMENT)).toBe(true);
  expect(jobs.finish("a", one.id, JUDGEMENT)).toBe(true);
  expect(await first).toEqual({ judge: "a", judgement: JUDGEMENT });
  expect(await second).toEqual({ judge: "b", judgement: JUDGEMENT });
});

test("J3: a job whose judge vanishes goes to another after its lease, and the late answer is refused", async () => {
  jobs.take("a");
  const answer = jobs.offer(offered);
  const { id } = jobs.take("a")!;
  pass(59);
  expect(jobs.leased(id)?.judge).toBe("a");
  jobs.take("b");
  pass(1);
  expect(jobs.leased(id)).toBeNull();
  expect(jobs.finish("a", id, JUDGEMENT)).toBe(false);
  expect(jobs.take("b")?.id).toBe(id);
  expect(jobs.renew("a", id)).toBe(false);
  expect(jobs.finish("a", id, JUDGEMENT)).toBe(false);
  expect(jobs.finish("b", id, JUDGEMENT)).toBe(true);
  expect((await answer)?.judge).toBe("b");
});

test("J3: a judge that asks anew has given up what it held, and a job that was given up twice is the relay's", async () => {
  jobs.take("a");
  const answer = jobs.offer(offered);
  const { id } = jobs.take("a")!;
  jobs.release("b");
  expect(jobs.leased(id)?.judge).toBe("a");
  jobs.release("a");
  expect(jobs.finish("a", id, JUDGEMENT)).toBe(false);
  expect(jobs.take("a")?.id).toBe(id);
  jobs.release("a");
  expect(await answer).toBeNull();
});

test("J3: a judge that says that it is still at work keeps its job", () => {
  jobs.take("a");
  void jobs.offer(offered);
  const { id } = jobs.take("a")!;
  for (let i = 0; i < 10; i++) {
    pass(20);
    expect(jobs.renew("a", id)).toBe(true);
  }
  expect(jobs.leased(id)?.judge).toBe("a");
});

test("J3: a job that two judges did not come back from is the relay's", async () => {
  jobs.take("a");
  const answer = jobs.offer(offered);
  for (const judge of ["a", "b"]) {
    jobs.take(judge);
    jobs.take("c"); // somebody is there all the time
    pass(60);
  }
  expect(await answer).toBeNull();
});

test("J2: a job that nobody takes for fifteen seconds is the relay's, however many judges are there", async () => {
  jobs.take("a");
  const answer = jobs.offer(offered);
  pass(15);
  expect(await answer).toBeNull();
  expect(jobs.take("a")).toBeNull();
});

test("J2: an evaluation waits for no judge that is at work, nor behind another job; a training does", async () => {
  const examples = { sha256: "00".repeat(32), count: 1, answers: 1 };
  const evaluation = { ...offered, work: { kind: "evaluate" as const, step: null, examples } };
  jobs.take("a");
  const training = jobs.offer(offered);
  expect(jobs.isAnybodyFree()).toBe(false);
  expect(await jobs.offer(evaluation)).toBeNull();
  const { id } = jobs.take("a")!;
  expect(await jobs.offer(evaluation)).toBeNull();
  void jobs.offer(offered);
  jobs.take("b");
  jobs.finish("a", id, JUDGEMENT);
  await training;
  expect(jobs.isAnybodyFree()).toBe(true);
  const evaluated = jobs.offer(evaluation);
  jobs.finish("a", jobs.take("a")!.id, JUDGEMENT);
  expect((await evaluated)?.judge).toBe("a");
});

test("J6: what a dismissed judge holds is given to another", async () => {
  jobs.take("a");
  jobs.take("b");
  const answer = jobs.offer(offered);
  const { id } = jobs.take("a")!;
  jobs.dismiss("a");
  expect(jobs.finish("a", id, JUDGEMENT)).toBe(false);
  expect(jobs.take("b")?.id).toBe(id);
  jobs.finish("b", id, JUDGEMENT);
  expect((await answer)?.judge).toBe("b");
});

test("J3: a relay that ends waits for no judge", async () => {
  jobs.take("a");
  const answer = jobs.offer(offered);
  jobs.close();
  expect(await answer).toBeNull();
});

test("J2: a relay that ends waits for no judge, and asks none any more", async () => {
  jobs.take("a");
  const waiting = jobs.offer(offered);
  expect(jobs.take("a")).not.toBeNull();
  jobs.close();
  expect(await waiting).toBeNull();
  expect(await jobs.offer(offered)).toBeNull();
});

test("J8: a juror alone is given its seat's job, judges are not, and an answer ends it", async () => {
  const answer = jobs.offerSeat(offered, new Map(), "juror");
  expect(jobs.isAnybodyFree()).toBe(false);
  expect([jobs.take("a"), jobs.takeSeat("other")]).toEqual([null, null]);
  const { id } = jobs.takeSeat("juror")!;
  expect(jobs.leased(id)).toMatchObject({ judge: "juror", isSeat: true });
  expect(jobs.finish("juror", id, JUDGEMENT)).toBe(true);
  expect(await answer).toEqual({ judge: "juror", judgement: JUDGEMENT });
});

test("J8: a juror that asks anew is given what it holds once more, after what waits for it, with a new lease", async () => {
  const answers = [1, 2].map(() => jobs.offerSeat(offered, new Map(), "juror"));
  const [first, second] = [jobs.takeSeat("juror")!, jobs.takeSeat("juror")!];
  expect(second.id).not.toBe(first.id);
  pass(59);
  expect(jobs.takeSeat("juror")).toEqual(first);
  expect(jobs.takeSeat("juror")).toEqual(second);
  pass(59);
  expect(jobs.leased(first.id)?.judge).toBe("juror");
  expect(jobs.takeSeat("juror")).toBeNull(); // twice in a row: it may be the job's fault
  expect(jobs.finish("juror", first.id, JUDGEMENT)).toBe(true);
  pass(1);
  expect(await Promise.all(answers)).toEqual([{ judge: "juror", judgement: JUDGEMENT }, null]);
});

test("J9: a seat whose juror does not ask for a minute, or does not come back from its lease, is empty", async () => {
  const untaken = jobs.offerSeat(offered, new Map(), "juror");
  pass(59);
  const { id } = jobs.takeSeat("juror")!;
  pass(59);
  expect(jobs.leased(id)?.judge).toBe("juror");
  pass(1);
  expect(await untaken).toBeNull();
  const never = jobs.offerSeat(offered, new Map(), "juror");
  pass(60);
  expect(await never).toBeNull();
});

test("J9: who has lost one seat loses its others at once, and a relay that ends has no jury", async () => {
  const both = [1, 2].map(() => jobs.offerSeat(offered, new Map(), "juror"));
  const { id } = jobs.takeSeat("juror")!;
  jobs.vacate("juror");
  expect(await Promise.all(both)).toEqual([null, null]);
  expect(jobs.finish("juror", id, JUDGEMENT)).toBe(false);
  const waiting = jobs.offerSeat(offered, new Map(), "juror");
  jobs.close();
  expect(await waiting).toBeNull();
  expect(await jobs.offerSeat(offered, new Map(), "juror")).toBeNull();
});
