import { assert } from "../../core/errors.ts";
import { versionId } from "../../core/history/version.ts";
import { predictClasses } from "../../core/models/class-prediction.ts";
import { generateText } from "../../core/models/generation.ts";
import { layoutOf } from "../../core/models/registry.ts";
import { openTokenizer, type TextTokenizer } from "../../core/models/tokenizer.ts";
import type { RelayClient } from "../../core/protocol/client.ts";
import { RelayError } from "../../core/protocol/relay-error.ts";
import type { Architecture, TokenizerRecord } from "../../core/protocol/schemas/recipe.ts";
import { decodeExamples, exampleShapeOf } from "../../core/training/examples.ts";
import type { ImageExamples } from "../../core/training/image-examples.ts";
import type { Disagreement, TrialApi } from "../api.ts";
import { loadBase } from "../link/base-loading.ts";
import { type BlobSource, loadBlobs } from "../link/blob-loading.ts";
import { describeTrialFault, StoppedError } from "../run/words.ts";
import type { Store } from "../store/store.ts";

type Loaded = {
  readonly architecture: Architecture;
  /** Flat parameters [N] of each version, in the order they were wanted. */
  readonly versions: readonly Float32Array[];
  /** Of a model of text. */
  readonly tokenizer: TextTokenizer | null;
};

/**
 * Lets a visitor try versions. `openCpu` opens the backend; the store's blobs and held checkpoint are
 * used, but what is held for training is left as it is.
 */
export function createTrial({
  openStore,
  client,
  openCpu,
}: {
  readonly openStore: () => Promise<Store>;
  readonly client: RelayClient;
  readonly openCpu: () => Promise<unknown>;
}): TrialApi {
  let opening: Promise<readonly [Store, unknown]> | null = null;
  let loading = new AbortController();
  let writing = new AbortController();
  let loaded: Loaded | null = null;

  async function load(
    { model, versions }: Parameters<TrialApi["load"]>[0],
    onProgress: (doneBytes: number, totalBytes: number) => void,
    signal: AbortSignal,
  ): Promise<Loaded> {
    opening ??= Promise.all([openStore(), openCpu()]).catch((error: unknown) => {
      opening = null; // the next load tries again
      throw error;
    });
    const [store] = await opening;
    const { architecture, data } = (await client.model(model, { signal })).recipe;
    const layout = layoutOf(architecture);
    const known = new Map<number, Float32Array<ArrayBuffer>>();
    let doneBytes = 0;
    let totalBytes = 0;
    const progress = {
      expect(bytes: number) {
        totalBytes += bytes;
        onProgress(doneBytes, totalBytes);
      },
      receive(bytes: number) {
        doneBytes += bytes;
        onProgress(doneBytes, totalBytes);
      },
    };
    // oldest first: from there only delta steps lead to the others
    for (const { number, id } of versions.toSorted((a, b) => a.number - b.number)) {
      const { record } = await client.version(model, number, { signal });
      if ((await versionId(record)) !== id) {
        const message = `version ${number}: its record does not hash to ${id}`;
        throw new RelayError("checkpoint-damaged", "retry", message);
      }
      const base = { number, id, checkpoint: record.checkpoint };
      const source = { store: apart(store, number, known), client, progress, signal };
      known.set(number, Float32Array.from(await loadBase({ model, base }, layout, source)));
    }
    const tokenizer = await loadTokenizer(architecture, data.tokenizer, {
      store,
      client,
      progress,
      signal,
    });
    return { architecture, versions: versions.map(({ number }) => known.get(number)!), tokenizer };
  }

  return {
    async load(wanted, onProgress) {
      loading.abort();
      writing.abort();
      loading = new AbortController();
      const { signal } = loading;
      loaded = null;
      try {
        const ready = await load(wanted, onProgress, signal);
        signal.throwIfAborted();
        loaded = ready;
      } catch (error) {
        throw new StoppedError(describeTrialFault(error));
      }
    },

    async predict(pixels) {
      assert(loaded !== null, "nothing is loaded");
      const { architecture, versions } = loaded;
      return Promise.all(
        versions.map((parameters) => predictClasses({ architecture, parameters, pixels })),
      );
    },

    async disagreements(model, most) {
      assert(loaded !== null && opening !== null, "nothing is loaded");
      const { architecture, versions } = loaded;
      const [store] = await opening;
      try {
        const { shards } = await client.shards(model);
        const shard = shards.at(-1); // of the community's data: what repeats the base's comes first
        if (shard === undefined) return [];
        const source = { store, client, signal: loading.signal, progress: UNTOLD };
        const [bytes] = await loadBlobs([shard], source);
        const examples = decodeExamples("shard", bytes!, architecture);
        assert(examples.kind === "images", "an image model's shard has images");
        return await findDisagreements(examples, architecture, versions, most);
      } catch (error) {
        throw new StoppedError(describeTrialFault(error));
      }
    },

    async write({ prompt: begun, ...task }, onText) {
      assert(loaded !== null && loaded.tokenizer !== null, "no model of text is loaded");
      const { architecture, versions, tokenizer } = loaded;
      const shape = exampleShapeOf(architecture);
      assert(architecture.kind !== "mlp" && shape.kind === "text", "a tokenizer and no text");
      const prompt = tokenizer.encode(begun);
      if (prompt.length === 0 || prompt.some((token) => token >= shape.vocabulary)) {
        throw new StoppedError("This model can't read every character of the beginning.");
      }
      const before = tokenizer.decode([...prompt]).length;
      writing.abort();
      writing = new AbortController();
      const { signal } = writing;
      const texts = versions.map((parameters, place) => {
        const tokens = [...prompt];
        const onToken = (token: number) => {
          tokens.push(token);
          const text = tokenizer.decode(tokens).slice(before); // in one go: a token's text may depend on those before it
          return onText(place, text.replace(HALF_CHARACTER, ""));
        };
        return generateText({ architecture, parameters, prompt, ...task }, { signal, onToken });
      });
      try {
        await Promise.all(texts);
      } catch (error) {
        if (!signal.aborted) throw error; // stopped, which is how most texts end
      }
    },

    async stop() {
      writing.abort();
    },
  };
}

const HALF_CHARACTER = /\ufffd+$/; // the rest of it comes with the next tokens

/** How a model's text is read; null where it reads none. Its files are blobs like any other. */
async function loadTokenizer(
  architecture: Architecture,
  record: TokenizerRecord | undefined,
  source: BlobSource,
): Promise<TextTokenizer | null> {
  const shape = exampleShapeOf(architecture);
  if (shape.kind !== "text") return null;
  const files = record?.files ?? [];
  const blobs = await loadBlobs(files, source);
  const named = files.map(({ name }, i) => ({ name, bytes: blobs[i]! }));
  return openTokenizer(named, shape.vocabulary);
}

const UNTOLD = { expect: () => {}, receive: () => {} }; // a shard is small beside the versions

/** Those of `examples` on which the versions differ and one is right, in their order. */
async function findDisagreements(
  { pixels, labels }: ImageExamples,
  architecture: Architecture,
  versions: readonly Float32Array[],
  most: number,
): Promise<Disagreement[]> {
  const found: Disagreement[] = [];
  const inputs = pixels.length / labels.length;
  for (const [place, label] of labels.entries()) {
    const image = pixels.slice(place * inputs, (place + 1) * inputs);
    const answers = await Promise.all(
      versions.map(async (parameters) => {
        const shares = await predictClasses({ architecture, parameters, pixels: image });
        return shares.indexOf(Math.max(...shares));
      }),
    );
    if (new Set(answers).size > 1 && answers.includes(label)) {
      found.push({ pixels: image, label, answers });
    }
    if (found.length === most) break;
  }
  return found;
}

/** `store`, in which `version` is built from the nearest one at hand and nothing that is held changes. */
function apart(
  store: Store,
  version: number,
  known: ReadonlyMap<number, Float32Array<ArrayBuffer>>,
): Store {
  return {
    ...store,
    async held(model) {
      const kept = await store.held(model);
      const all = [...known].map(([version, parameters]) => ({ model, version, parameters }));
      return (kept === null ? all : [...all, kept])
        .filter((each) => each.version <= version)
        .reduce<typeof kept>(
          (best, each) => (each.version > (best?.version ?? -1) ? each : best),
          null,
        );
    },
    putHeld: async () => {},
    deleteHeld: async () => {},
  };
}
