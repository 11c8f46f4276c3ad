import { attacks } from "./attacks.ts";
import { backdoors } from "./backdoors.ts";
import { claims } from "./claims.ts";
import { crowd } from "./crowd.ts";
import { forgetting } from "./forgetting.ts";
import { merging } from "./merging.ts";
import type { Preset } from "./preset.ts";
import { scale } from "./scale.ts";
import { swarm } from "./swarm.ts";

/** Every study that docs/results.md tells of. */
export const PRESETS = {
  claims,
  merging,
  crowd,
  attacks,
  backdoors,
  forgetting,
  scale,
  swarm,
} as const satisfies Record<string, Preset>;
export type PresetName = keyof typeof PRESETS;
export const PRESET_NAMES = Object.keys(PRESETS) as PresetName[]; // the object above has no other keys
