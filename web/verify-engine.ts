import { proxy, wrap } from "comlink";
import type { HistoryVerdict, VerifyApi } from "../worker/api.ts";

/** Recompute a history in a thread of its own, which ends with it. Rejects with a plain sentence. */
export type VerifyHistory = (
  task: Parameters<VerifyApi["verify"]>[0],
  onProgress: Parameters<VerifyApi["verify"]>[1],
  signal: AbortSignal,
) => Promise<HistoryVerdict>;

export const verifyInWorker: VerifyHistory = async (task, onProgress, signal) => {
  const worker = new Worker(new URL("../worker/verify/verify-main.ts", import.meta.url), {
    type: "module",
  });
  const ended = new Promise<never>((_, reject) => {
    worker.addEventListener("error", () =>
      reject(
        new Error("The program that verifies could not be fetched. Try again when you are online."),
      ),
    );
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  try {
    const { verify } = wrap<VerifyApi>(worker);
    return await Promise.race([verify(task, proxy(onProgress)), ended]);
  } finally {
    worker.terminate();
  }
};
