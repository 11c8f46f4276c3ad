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

test.each([
  [["volunteer"], /--relay wants the relay's address/],
  [["volunteer", "--relay", "nowhere", "--model", "tiny"], /--relay wants the relay's address/],
  [["volunteer", "--relay", "ftp://x", "--model", "tiny"], /--relay wants the relay's address/],
  [["volunteer", "--relay", "http://x", "--model", "../x"], /--model wants a model's name/],
  [["volunteer", "--relay", "http://x", "--model", "x", "--pieces", "0"], /--pieces wants/],
  [["merge"], /There is no command "merge"/],
  [[], /There is no command ""/],
  [["volunteer", "--fast"], /Unknown option '--fast'/],
])("a wrong call (%s) is answered with what was meant", (words, message) => {
  expect(() => parse(...words)).toThrow(message);
  expect(() => parse(...words)).toThrow(UsageError);
});
