import { expect, test } from "vitest";
import { parseCall, UsageError } from "./call.ts";

const parse = (...words: string[]) => parseCall(words, "/home/v/.commonweight");

test("a call to volunteer names the relay's origin, the model and how long", () => {
  const words = ["volunteer", "--relay", "https://relay.test/page#x", "--model", "digits"];
  const call = {
    command: "volunteer",
    relay: "https://relay.test",
    model: "digits",
    pieces: null,
    folder: "/home/v/.commonweight",
  };
  expect(parse(...words)).toEqual(call);
  expect(parse(...words, "--pieces", "3", "--folder", "/tmp/x")).toEqual({
    ...call,
    pieces: 3,
    folder: "/tmp/x",
  });
  expect(parse("-h")).toEqual({ command: "help" });
});

test("a maintainer's calls name the relay, the token's file and what to do", () => {
  const words = ["--relay", "https://relay.test", "--token-file", "/run/token"];
  const where = { relay: "https://relay.test", tokenFile: "/run/token" };
  const contribution = "ab".repeat(32);
  expect(parse("admin", "audit", ...words)).toEqual({ command: "admin audit", ...where });
  expect(parse("admin", "pause", ...words, "--model", "digits")).toEqual({
    command: "admin pause",
    ...where,
    model: "digits",
  });
  const why = ["--contribution", contribution, "--reason", "It is spam."];
  expect(parse("admin", "revert", ...words, "--model", "digits", ...why)).toEqual({
    command: "admin revert",
    ...where,
    model: "digits",
    contribution,
    reason: "It is spam.",
    insist: false,
  });
  const insisting = parse("admin", "revert", ...words, "--model", "digits", ...why, "--insist");
  expect(insisting).toMatchObject({ command: "admin revert", insist: true });
});

test("a ban is a contributor's key and a reason, and is lifted by the key", () => {
  const contributor = "cd".repeat(32);
  const words = [...MAINTAIN.slice(0, 4), "--contributor", contributor];
  const ban = parse("admin", "ban", ...words, "--reason", "It sends noise.");
  expect(ban).toMatchObject({ command: "admin ban", contributor, reason: "It sends noise." });
  expect(parse("admin", "unban", ...words)).toMatchObject({ command: "admin unban", contributor });
});

test("a release is a version's number and a semantic version", () => {
  const words = ["admin", "tag", ...MAINTAIN, "--version", "12", "--tag", "1.0.0"];
  const tagging = { model: "tiny", version: 12, tag: "1.0.0" };
  expect(parse(...words)).toMatchObject({ command: "admin tag", ...tagging });
});

const MAINTAIN = ["--relay", "http://x", "--token-file", "t", "--model", "tiny"];
test.each([
  [["volunteer"], /--relay wants the relay's address/],
  [["volunteer", "--relay", "nowhere", "--model", "tiny"], /--relay wants the relay's address/],
  [["volunteer", "--relay", "ftp://x", "--model", "tiny"], /--relay wants the relay's address/],
  [["volunteer", "--relay", "http://x", "--model", "../x"], /--model wants a model's name/],
  [["volunteer", "--relay", "http://x", "--model", "x", "--pieces", "0"], /--pieces wants/],
  [["admin", "audit", "--relay", "http://x"], /--token-file wants/],
  [["admin", "pause", ...MAINTAIN.slice(0, 4)], /--model wants a model's name/],
  [["admin", "revert", ...MAINTAIN, "--contribution", "1"], /--contribution wants/],
  [["admin", "revert", ...MAINTAIN, "--contribution", "ab".repeat(32)], /--reason wants/],
  [["admin", "ban", ...MAINTAIN, "--contributor", "1"], /--contributor wants/],
  [["admin", "ban", ...MAINTAIN, "--contributor", "ab".repeat(32)], /--reason wants/],
  [["admin", "tag", ...MAINTAIN, "--version", "head", "--tag", "1.0.0"], /--version wants/],
  [["admin", "tag", ...MAINTAIN, "--version", "1", "--tag", "v1"], /--tag wants/],
  [["admin"], /There is no command "admin"/],
  [["merge"], /There is no command "merge"/],
  [[], /There is no command ""/],
  [["volunteer", "--fast"], /Unknown option '--fast'/],
])("a wrong call (%s) is answered with what was meant", (words, message) => {
  expect(() => parse(...words)).toThrow(message);
  expect(() => parse(...words)).toThrow(UsageError);
});
