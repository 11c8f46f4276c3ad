import { expect, test } from "vitest";
import type { Guest } from "./guest.svelte.ts";
import { createGuestDoor } from "./guest-door.svelte.ts";
import type { PageVolunteer } from "./volunteer.svelte.ts";

/** A door whose guest comes or fails as the test says; `calls` lists what was asked of whom. */
function stage() {
  const calls: string[] = [];
  const work = { starting: false, engaged: false };
  const volunteer = {
    get starting() {
      return work.starting;
    },
    get engaged() {
      return work.engaged;
    },
    resume: async () => void calls.push("volunteer resumes"),
  } as PageVolunteer; // of which the door uses these
  const guest = {
    reason: "It rests.",
    look: () => void calls.push("look"),
    resume: async () => void calls.push("guest resumes"),
  } as Guest;
  let answer = Promise.withResolvers<Guest>();
  const door = createGuestDoor(volunteer, () => {
    calls.push("open");
    answer = Promise.withResolvers();
    return answer.promise;
  });
  return { door, work, calls, come: () => answer.resolve(guest), fail: () => answer.reject() };
}

test("what holds work back is fetched once there is work, and once alone; then it hears of all that follows", async () => {
  const { door, work, calls, come } = stage();
  door.look();
  await door.resume();
  expect(calls.splice(0)).toEqual(["volunteer resumes"]);
  work.starting = true;
  door.look();
  door.look();
  expect([door.current, door.reason, calls.splice(0)]).toEqual([null, null, ["open"]]);
  come();
  await expect.poll(() => door.reason).toBe("It rests.");
  door.look();
  await door.resume();
  expect(calls).toEqual(["look", "guest resumes"]);
});

test("what could not be fetched is asked for again at the next news of the work, also when some came meanwhile", async () => {
  const { door, work, calls, come, fail } = stage();
  work.engaged = true;
  door.look();
  door.look();
  fail();
  await expect.poll(() => door.isMissed).toBe(true);
  door.look();
  expect(calls).toEqual(["open", "open"]);
  expect(door.isMissed).toBe(true);
  come();
  await expect.poll(() => door.isMissed).toBe(false);
  expect(door.current).not.toBeNull();
});
