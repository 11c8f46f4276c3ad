import { expect, test } from "vitest";
import { RelayError } from "../../core/protocol/relay-error.ts";
import { problemWords } from "./problems.ts";

test("a relay that is away, busy or newer is told apart in plain words", () => {
  const words = ["unreachable", "unavailable", "answer-malformed", "outdated"].map((code) =>
    problemWords(new RelayError(code, "retry", "http://x: ECONNREFUSED")),
  );
  expect(new Set(words).size).toBe(4);
  expect(words.join()).not.toMatch(/ECONNREFUSED/);
});

test("what the relay says in its own words is passed on", () => {
  const error = new RelayError("version-unknown", "discard", "digits has no version 99");
  expect(problemWords(error)).toBe("digits has no version 99");
});
