/** Making room in a store: what is evicted, and when. */

export type CachedBlob = {
  readonly sha256: string;
  readonly sizeBytes: number;
  /** When it was last read or written. */
  readonly usedAt: number;
};

/** Those of `blobs` that must go, least recently used first, so that the rest fits in `limitBytes`. */
export function blobsToEvict(blobs: readonly CachedBlob[], limitBytes: number): string[] {
  let total = blobs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const evicted: string[] = [];
  for (const { sha256, sizeBytes } of [...blobs].sort((a, b) => a.usedAt - b.usedAt)) {
    if (total <= limitBytes) break;
    total -= sizeBytes;
    evicted.push(sha256);
  }
  return evicted;
}

/** Half of what `blobs` take: what a full device is left with, so that room lasts for a while. */
export function halfOf(blobs: readonly CachedBlob[]): number {
  return blobs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / 2;
}

/** Write what must not be lost: if the device is full, `makeRoom`, then once more. */
export async function writeWithRoom(
  write: () => Promise<void>,
  makeRoom: () => Promise<void>,
): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!isFull(error)) throw error;
    await makeRoom();
    await write();
  }
}

/** Write what is only a cache: on a device that stays full, do without. */
export async function writeIfRoom(
  write: () => Promise<void>,
  makeRoom: () => Promise<void>,
): Promise<void> {
  try {
    await writeWithRoom(write, makeRoom);
  } catch (error) {
    if (!isFull(error)) throw error;
  }
}

/** Whether `error` says that the browser's quota or the disk is used up. */
export function isFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === "QuotaExceededError" || ("code" in error && error.code === "ENOSPC");
}
