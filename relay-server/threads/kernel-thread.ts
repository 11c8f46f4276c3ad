/** The entry of a thread that shares the kernels' work. */
import { workerData } from "node:worker_threads";
import { serveParts } from "../../kernels/wasm/thread.ts";

serveParts(workerData); // a ThreadTask, as kernel-threads.ts gives it
