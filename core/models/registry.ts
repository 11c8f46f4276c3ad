import type { Architecture } from "../protocol/schemas/recipe.ts";
import { createLayout, type Layout } from "../tensors/layout.ts";
import { gptAsTransformer } from "./gpt.ts";
import { createMlp } from "./mlp.ts";
import type { Model } from "./model.ts";
import { createTransformer } from "./transformer.ts";

/** The model that `architecture` describes: one line a kind. */
export function modelOf(architecture: Architecture): Model {
  switch (architecture.kind) {
    case "mlp":
      return createMlp(architecture);
    case "gpt":
      return createTransformer(gptAsTransformer(architecture));
    case "transformer":
      return createTransformer(architecture);
  }
}

/** The flat parameter space of an architecture. */
export function layoutOf(architecture: Architecture): Layout {
  return createLayout(modelOf(architecture).shapes);
}
