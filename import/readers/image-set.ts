export type ImageSize = {
  readonly width: number;
  readonly height: number;
  /** Grey, or red, green and blue. */
  readonly channels: 1 | 3;
};

export type LabelledImage = {
  /** Where it is from, for people. */
  readonly file: string;
  readonly label: string;
  /** [height, width, channels], 0…255. */
  readonly pixels: Uint8Array;
};

/** Images of one size with their classes, read as often as needed and never all at once. */
export type ImageSet = {
  readonly size: ImageSize;
  /** Names, in the order of the model's outputs. */
  readonly classes: readonly string[];
  /** How many there are to read. */
  readonly count: number;
  images(): AsyncGenerator<LabelledImage>;
};
