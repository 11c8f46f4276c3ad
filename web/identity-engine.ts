import type { IdentityApi } from "../worker/api.ts";
import { withShortWorker } from "./short-worker.ts";

/** Do `work` with this device's key, in a thread of its own, which ends with it. Rejects with a plain sentence. */
export type WithIdentity = <T>(work: (identity: IdentityApi) => Promise<T>) => Promise<T>;

export const withIdentity: WithIdentity = <T>(work: (identity: IdentityApi) => Promise<T>) => {
  const worker = new Worker(new URL("../worker/identity/identity-main.ts", import.meta.url), {
    type: "module",
  });
  return withShortWorker<IdentityApi, T>(
    worker,
    "This part of the page could not be fetched. Try again when you are online.",
    work,
  );
};
