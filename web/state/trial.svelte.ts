import type { Disagreement, TrialApi, WritingTask } from "../../worker/api.ts";
import type { OpenTrialEngine, TrialEngine } from "../trial-engine.ts";
import { errorWords } from "../words/problems.ts";

/** The versions to try, in the order of their answers. */
export type Choice = Parameters<TrialApi["load"]>[0];

/** A visitor's trial of a model's versions: nothing is fetched before the first question. */
export type PageTrial = ReturnType<typeof createPageTrial>;

export function createPageTrial(openEngine: OpenTrialEngine) {
  let phase = $state<"idle" | "loading" | "ready" | "failed">("idle");
  let problem = $state<string | null>(null);
  let download = $state.raw({ doneBytes: 0, totalBytes: 0 });
  let answers = $state.raw<readonly Float32Array[] | null>(null);
  let texts = $state.raw<readonly string[] | null>(null);
  let writing = $state(false);

  let engine: TrialEngine | null = null;
  let choice: Choice | null = null;
  let loading: { readonly key: string; readonly done: Promise<boolean> } | null = null;
  let endWriting: () => void = () => {};
  let image: Uint8Array | null = null;
  let reading: Promise<void> | null = null;
  let readAgain = false;

  /** Give the engine a command; an engine that died is opened anew next time. */
  async function command<T>(run: (api: TrialApi) => Promise<T>): Promise<T> {
    engine ??= openEngine();
    const current = engine;
    const died = current.failed.catch((error: unknown) => {
      if (engine === current) engine = null;
      throw error;
    });
    return Promise.race([run(current.api), died]);
  }

  function fail(error: unknown): void {
    phase = "failed";
    loading = null;
    answers = null; // those are for another image
    problem = errorWords(error);
  }

  /** Whether what is chosen now is loaded, or comes to be. */
  function ensureLoaded(): Promise<boolean> {
    const wanted = choice;
    if (wanted === null) return Promise.resolve(false);
    const key = keyOf(wanted);
    if (loading?.key !== key) loading = { key, done: load(wanted, key) };
    return loading.done;
  }

  async function load(wanted: Choice, key: string): Promise<boolean> {
    phase = "loading";
    problem = null;
    download = { doneBytes: 0, totalBytes: 0 };
    const isCurrent = () => choice !== null && keyOf(choice) === key;
    try {
      await command((api) =>
        api.load(wanted, (doneBytes, totalBytes) => {
          if (isCurrent()) download = { doneBytes, totalBytes };
        }),
      );
      if (!isCurrent()) return false;
      phase = "ready";
      return true;
    } catch (error) {
      if (isCurrent()) fail(error);
      return false;
    }
  }

  /** Resolves when the newest image is answered; those that come while an answer is under way are skipped. */
  async function readNewest(): Promise<void> {
    readAgain = true;
    if (reading !== null) return reading;
    let end = () => {};
    reading = new Promise((resolve) => {
      end = resolve; // by hand: Try works in browsers that lack Promise.withResolvers
    });
    while (readAgain) {
      readAgain = false;
      const current = image;
      if (current === null) answers = null;
      else if (await ensureLoaded()) {
        try {
          answers = await command((api) => api.predict(current));
        } catch (error) {
          fail(error);
        }
      }
    }
    reading = null;
    end();
  }

  return {
    get phase() {
      return phase;
    },
    /** Why the last question has no answer, as a sentence. */
    get problem() {
      return problem;
    },
    get download() {
      return download;
    },
    /** Each version's class probabilities for the newest image; null without an image. */
    get answers() {
      return answers;
    },
    /** What each version has written so far. */
    get texts() {
      return texts;
    },
    get writing() {
      return writing;
    },
    /** Try these from now on; what the visitor asked last is asked again of them. */
    async choose(next: Choice): Promise<void> {
      if (choice !== null && keyOf(choice) === keyOf(next)) return;
      if (choice?.model !== next.model) {
        image = null; // another model reads other things
        phase = "idle";
        problem = null;
      }
      choice = next;
      answers = null;
      texts = null;
      if (image !== null) await readNewest();
      else if (phase !== "idle") await ensureLoaded();
    },
    /** Show the versions an image; null takes it away. */
    async read(pixels: Uint8Array | null): Promise<void> {
      image = pixels;
      await readNewest();
    },
    /** Examples that the versions read differently; null if they can't be had, and `problem` says why. */
    async disagreements(most: number): Promise<readonly Disagreement[] | null> {
      if (!(await ensureLoaded()) || choice === null) return null;
      const { model } = choice;
      try {
        return await command((api) => api.disagreements(model, most));
      } catch (error) {
        fail(error);
        return null;
      }
    },
    /** Ask again what had no answer. */
    again: readNewest,
    /** Let the versions write on; a text under way is ended. */
    async write(task: WritingTask): Promise<void> {
      const stopped = new Promise<false>((resolve) => {
        endWriting = () => resolve(false);
      });
      writing = true;
      try {
        if (!(await Promise.race([ensureLoaded(), stopped]))) return;
        texts = choice?.versions.map(() => "") ?? [];
        await command((api) =>
          api.write(task, (place, written) => {
            texts = texts?.map((text, i) => (i === place ? written : text)) ?? null;
          }),
        );
      } catch (error) {
        fail(error);
      } finally {
        writing = false;
      }
    },
    /** End the text that is under way, or is to be once the versions are loaded; they go on loading. */
    async stop(): Promise<void> {
      endWriting();
      if (phase === "ready") await command((api) => api.stop());
    },
    /** End the engine; its memory is free again. */
    close(): void {
      engine?.close();
      engine = null;
    },
  };
}

const keyOf = ({ model, versions }: Choice): string =>
  [model, ...versions.map(({ id }) => id)].join(" ");
