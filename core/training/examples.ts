/** Images [count, pixels per image] with values 0…255 and their classes [count]. */
export type ImageExamples = {
  readonly kind: "images";
  readonly count: number;
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
};

/** What one shard or held-out set holds. */
export type Examples = ImageExamples;
