/** A page in which one contestant trains; `hosts.ts` calls it from outside. */
import { createStage } from "../stage.ts";

Object.assign(globalThis, { stage: createStage(() => performance.now()) });
