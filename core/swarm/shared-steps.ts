/** The newest delta steps that a relay tells holders of: who is further behind loads the older ones from the relay. */
export const SHARED_STEPS = 4;
const SMALLEST_BYTES = 256 << 10; // a smaller file comes from the relay as soon as a peer is asked for it
const LARGEST_BYTES = 4 << 20; // a chunk that peers pass on is held whole, and given in one go

/** Those of a model's `steps`, oldest first, that pages pass on: each is a list of one chunk, named by its file (protocol W5). */
export function sharedSteps<S extends { readonly sizeBytes: number }>(steps: readonly S[]): S[] {
  return steps
    .slice(-SHARED_STEPS)
    .filter(({ sizeBytes }) => sizeBytes >= SMALLEST_BYTES && sizeBytes <= LARGEST_BYTES);
}
