/** The words of the field on this page, each with what it means to a visitor. The one place where they are explained. */
export const GLOSSARY = {
  accuracy: "The share of hidden examples that the model gets right.",
  "hidden examples":
    "Examples that are kept apart: nobody trains on them, so they show what the model has learned rather than memorised.",
  loss: "How surprised the model is by the right answer, measured in nats, or in bits for text. Lower is better.",
  patch: "The difference that one piece of training made: a few kilobytes, signed by its maker.",
  parameter: "One of the model's numbers. Training changes them a little at a time.",
  mask: "The parameters that one piece of work may change. Others are changed by other people's pieces.",
  merge:
    "Several patches become one change, each with a weight that follows from trust, age and size.",
  gate: "The tests that a merge must pass before it is published: no worse than its parent, nor than the last release.",
  suite:
    "Hidden examples of one kind. A merge must do no worse on any suite, so that no use gets lost.",
  proof:
    "A test looks at example after example until it is sure either way. The bar shows how much of the certainty it needs it has.",
  release:
    "A version that a maintainer recommends for use. Later versions must not be worse than it.",
  revert: "A version that takes a patch out again. Everything else stays as it was.",
  credit: "Examples trained on, times the weight that the patch had in its merge.",
  drift: "Many small losses in a row, each too small to fail a test, that add up.",
} as const;

export type GlossaryWord = keyof typeof GLOSSARY;
