import type { ModelSource } from "../core/models/model-source.ts";
import { digits } from "./digits/data.ts";
import { presidents } from "./presidents/data.ts";

/** The models that a relay imports on its first start. */
export const shippedModels: readonly ModelSource[] = [digits, presidents];
