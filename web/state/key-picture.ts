/** Dots of a key's picture: 5 × 5, its right half the left one's mirror image. */
export const PICTURE_SIDE = 5;
const HALF = 3;

/** The dots of the picture that is drawn from a key, row by row: the same on every device. */
export function pictureOf(contributor: string): boolean[] {
  return Array.from({ length: PICTURE_SIDE ** 2 }, (_, dot) => {
    const column = dot % PICTURE_SIDE;
    const row = Math.floor(dot / PICTURE_SIDE);
    const drawn = Math.min(column, PICTURE_SIDE - 1 - column);
    const digit = contributor[6 + HALF * row + drawn]; // the first six give the colour
    return Number.parseInt(digit ?? "0", 16) % 2 === 1;
  });
}
