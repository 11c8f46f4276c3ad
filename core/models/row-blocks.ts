/** What a single binding may have on every device: WebGPU's default maxStorageBufferBindingSize. */
export const MAX_BINDING_BYTES = 128 * 2 ** 20;

/** Rows of a matrix that lie on the device as a tensor of their own. */
export type RowBlock = { readonly first: number; readonly count: number };

/** `rows` in as few blocks of at most `most` as there can be, all but the last equally long. */
export function rowBlocks(rows: number, most: number): RowBlock[] {
  const blocks = Math.ceil(rows / Math.max(1, most));
  const each = Math.ceil(rows / blocks);
  return Array.from({ length: Math.ceil(rows / each) }, (_, block) => {
    const first = block * each;
    return { first, count: Math.min(each, rows - first) };
  });
}
