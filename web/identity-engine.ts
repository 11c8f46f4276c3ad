import { wrap } from "comlink";
import type { IdentityApi } from "../worker/api.ts";

/** Do `work` with this device's key, in a thread of its own, which ends with it. Rejects with a plain sentence. */
export type WithIdentity = <T>(work: (identity: IdentityApi) => Promise<T>) => Promise<T>;

export const withIdentity: WithIdentity = async (work) => {
  const worker = new Worker(new URL("../worker/identity/identity-main.ts", import.meta.url), {
    type: "module",
  });
  const ended = new Promise<never>((_, reject) => {
    worker.addEventListener("error", () =>
      reject(
        new Error("This part of the page could not be fetched. Try again when you are online."),
      ),
    );
  });
  try {
    return await Promise.race([work(wrap<IdentityApi>(worker)), ended]);
  } finally {
    worker.terminate();
  }
};
