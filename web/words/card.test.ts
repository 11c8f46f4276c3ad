import { expect, test } from "vitest";
import type { ModelCard } from "../../core/protocol/schemas/status.ts";
import { basePage } from "./card.ts";
import { citationOf } from "./citation.ts";

test("words: a base leads to the hub only where it is a name of the hub's", () => {
  expect(basePage("openai-community/gpt2")).toBe("https://huggingface.co/openai-community/gpt2");
  for (const other of ["gpt2.safetensors", "../gpt2", "javascript:alert(1)", "a/b/c", "a/b?c"]) {
    expect(basePage(other), other).toBeNull();
  }
});

test("words: a title cannot break out of the citation", () => {
  const card = {
    recipe: { id: "digits", title: "A & B}} \\input{x}\n100%", licence: "CC0_1.0" },
    head: { number: 3, createdAt: Date.UTC(2026, 0, 1), id: "ab" },
  } as ModelCard;
  const text = citationOf(card, "https://relay/#/history/digits/3");
  expect(text).toContain(
    "title = {{A \\& B\\}\\} \\textbackslash{}input\\{x\\} 100\\%, version 3}}",
  );
  expect(text).toContain("licence CC0\\_1.0");
  expect(text).toContain("year = {2026}");
  expect(text.split("\n")).toHaveLength(7);
});
