import { proxy, wrap } from "comlink";
import type { TrialApi } from "../worker/api.ts";

/** What tries versions, until it is closed. */
export type TrialEngine = {
  readonly api: TrialApi;
  /** Rejects with a plain sentence if the engine can't go on; its commands then never end. */
  readonly failed: Promise<never>;
  close(): void;
};
export type OpenTrialEngine = () => TrialEngine;

/** The engine in a thread of its own, beside the one that trains. Its files are fetched here. */
export const openTrialEngine: OpenTrialEngine = () => {
  if (!isSecureContext) {
    throw new Error(
      "The page was opened over plain http, where browsers switch off what checks a download. Open it over https, or on localhost.",
    );
  }
  const worker = new Worker(new URL("../worker/trial/try-main.ts", import.meta.url), {
    type: "module",
  });
  const failed = new Promise<never>((_, reject) => {
    worker.addEventListener("error", (event) => {
      worker.terminate();
      const sentence = event.message
        ? `The engine could not go on: ${event.message}.`
        : "The engine could not be fetched. It can be as soon as this device is online; if it is, reload the page.";
      reject(new Error(sentence));
    });
  });
  failed.catch(() => {}); // heard by the commands that run; with none running nobody waits
  const remote = wrap<TrialApi>(worker);
  return {
    api: {
      load: (wanted, onProgress) => remote.load(wanted, proxy(onProgress)),
      predict: (pixels) => remote.predict(pixels),
      disagreements: (model, most) => remote.disagreements(model, most),
      write: (task, onText) => remote.write(task, proxy(onText)),
      stop: () => remote.stop(),
    },
    failed,
    close: () => worker.terminate(),
  };
};
