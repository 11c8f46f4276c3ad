/** The entry of a browser's thread that shares the kernels' work. */
import type { ThreadTask } from "../../kernels/wasm/parts-work.ts";
import { serveParts } from "../../kernels/wasm/thread.ts";

self.addEventListener("message", ({ data }: MessageEvent<ThreadTask>) => serveParts(data));
