import { expect, test } from "vitest";
import { createUploads } from "./uploads.ts";

const MIB = 1 << 20;

function openUploads(received = 1000 * MIB) {
  let now = 0;
  const stage = { isTraining: false };
  const uploads = createUploads({ steadyMs: () => now, isTraining: () => stage.isTraining });
  uploads.receive(received);
  const wait = (ms: number) => {
    now += ms;
  };
  return { uploads, wait, stage };
}

test("X7: 4 MiB go at once, then 2 MiB a second, and nothing that would wait longer than a second", () => {
  const { uploads, wait } = openUploads();
  expect(uploads.reserve(4 * MIB)).toBe(0);
  expect(uploads.reserve(MIB)).toBe(500);
  expect(uploads.reserve(MIB)).toBe(1000);
  expect(uploads.reserve(MIB)).toBe(null);
  wait(500);
  expect(uploads.reserve(MIB)).toBe(1000);
});

test("X7: while the processor trains, nothing goes, and as much as ever once it has ended", () => {
  const { uploads, wait, stage } = openUploads();
  stage.isTraining = true;
  expect(uploads.reserve(1)).toBe(null);
  wait(1000);
  stage.isTraining = false;
  expect(uploads.reserve(4 * MIB)).toBe(0);
});

test("X7: no more goes than came, and what was not sent may go to somebody else", () => {
  const { uploads } = openUploads(2 * MIB);
  expect(uploads.reserve(2 * MIB)).toBe(0);
  expect(uploads.reserve(1)).toBe(null);
  uploads.giveBack(MIB);
  expect(uploads.reserve(MIB)).toBe(0);
  uploads.receive(1);
  expect(uploads.reserve(1)).toBe(0);
});
