/** Put `value` at the end of `cache`, and let the oldest go where it has more than `most`. */
export function keepNewest<T>(cache: Map<string, T>, name: string, value: T, most: number): void {
  cache.delete(name); // its place is at the end
  cache.set(name, value);
  if (cache.size > most) cache.delete(cache.keys().next().value!);
}
