/**
 * What `load` makes of each item, in order, while up to `depth` of the next ones are already loading. Ends at the first
 * that fails, with its error.
 */
export async function* loadAhead<Item, Loaded>(
  items: Iterable<Item>,
  depth: number,
  load: (item: Item) => Promise<Loaded>,
): AsyncGenerator<Loaded> {
  const loading: Promise<Loaded>[] = [];
  for (const item of items) {
    const promise = load(item);
    promise.catch(() => {}); // it is awaited in its turn; until then its failure is nobody's
    loading.push(promise);
    if (loading.length > depth) yield await loading.shift()!;
  }
  for (const promise of loading) yield await promise;
}

/** `run` as often at once as `most` says; further calls wait for their turn. */
export function limitCalls<Arguments extends unknown[], Result>(
  most: number,
  run: (...words: Arguments) => Promise<Result>,
): (...words: Arguments) => Promise<Result> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (...words) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await run(...words);
    } finally {
      const next = waiting.shift();
      if (next === undefined) running--;
      else next(); // takes over the place
    }
  };
}
