import { expect, test } from "vitest";
import { runCommand } from "../tests/fixtures/command.ts";

const MAINTAIN = ["--relay", "http://x", "--token-file", "t"];
const REASONED = [...MAINTAIN, "--reason", "why"];
const TINY = ["--model", "tiny"];
const ID = "ab".repeat(32);

test.each([
  [["volunteer"], /'--relay <URL>' not specified/],
  [["volunteer", "--relay", "nowhere", ...TINY], /'nowhere' is invalid. It is the relay's address/],
  [["volunteer", "--relay", "ftp://x", ...TINY], /'ftp:\/\/x' is invalid/],
  [["volunteer", "--relay", "http://x", "--model", "../x"], /It is a model's name, such as digits/],
  [["volunteer", "--relay", "http://x", ...TINY, "--pieces", "0"], /It is a whole number/],
  [["volunteer", "--relay", "http://x", ...TINY, "--fast"], /unknown option '--fast'/],
  [["audit", "--relay", "http://x"], /'--token-file <FILE>' not specified/],
  [["audit", "--token-file", "t"], /--relay or COMMONWEIGHT_RELAY says which relay/],
  [["pause", ...REASONED], /missing required argument 'model'/],
  [["pause", "tiny", ...MAINTAIN], /'--reason <TEXT>' not/],
  [["pause", "./tiny", ...REASONED], /no model of a relay/],
  [["revert", "tiny", "1", ...REASONED], /It is a contribution's id/],
  [["revert", "tiny", ID, ...MAINTAIN], /'--reason <TEXT>' not/],
  [["ban", "1", ...REASONED], /It is a contributor's key/],
  [["ban", ID, ...MAINTAIN, "--reason", " "], /a sentence that says why/],
  [["tag", "tiny@1.0.0", ...REASONED, "--token-file", "package.json"], /is a release already/],
  [["tag", "tiny", "v1", ...REASONED], /It is a semantic version/],
  [["merge"], /unknown command 'merge'/],
  [["volunter"], /unknown command 'volunter'/],
])("a wrong call (%s) is one sentence and exit code 1", async (words, sentence) => {
  const { code, lines, errors } = await runCommand(...words);
  expect({ code, lines }).toEqual({ code: 1, lines: [] });
  expect(errors[0]).toMatch(sentence);
});

test("--help says what there is, and a near miss is guessed", async () => {
  const { code, lines } = await runCommand("--help");
  expect(code).toBe(0);
  for (const word of ["revert", "tag", "ban", "audit"]) {
    expect(lines.join("\n")).toMatch(new RegExp(`^  ${word} `, "m"));
  }
  expect((await runCommand("volunter")).errors).toContain("(Did you mean volunteer?)");
});

test("a command without words says what there is", async () => {
  const { errors } = await runCommand();
  expect(errors.join("\n")).toMatch(/^Usage: commonweight/);
});
