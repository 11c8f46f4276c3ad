import { proxy } from "comlink";
import type { HistoryVerdict, VerifyApi } from "../worker/api.ts";
import { withShortWorker } from "./short-worker.ts";

/** Recompute a history in a thread of its own, which ends with it. Rejects with a plain sentence. */
export type VerifyHistory = (
  task: Parameters<VerifyApi["verify"]>[0],
  onProgress: Parameters<VerifyApi["verify"]>[1],
  signal: AbortSignal,
) => Promise<HistoryVerdict>;

export const verifyInWorker: VerifyHistory = (task, onProgress, signal) => {
  const worker = new Worker(new URL("../worker/verify/verify-main.ts", import.meta.url), {
    type: "module",
  });
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  return withShortWorker<VerifyApi, HistoryVerdict>(
    worker,
    "The program that verifies could not be fetched. Try again when you are online.",
    ({ verify }) => Promise.race([verify(task, proxy(onProgress)), aborted]),
  );
};
