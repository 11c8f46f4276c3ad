import { LRUCache } from "lru-cache";

/** Whole blobs in memory, shared by all answers that are being sent of them. */
export type HotBlobs = {
  /**
   * What `read` finds, which never changes, kept as `name`; null if it is too large, or so much is being sent
   * already that it should be read piece by piece. `letGo` is to be called once, when the answer is sent.
   */
  take(
    name: string,
    sizeBytes: number,
    read: () => Promise<Uint8Array<ArrayBuffer> | null>,
  ): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly letGo: () => void } | null>;
};

const KEPT_BYTES = 64 << 20; // what the volunteers of one version all ask for
const MAX_BLOB_BYTES = 4 << 20; // chunks and shards, but no checkpoint of a large model in one piece
const SENT_BYTES = 128 << 20; // of different blobs, that slow readers hold

export function createHotBlobs({ keptBytes = KEPT_BYTES, sentBytes = SENT_BYTES } = {}): HotBlobs {
  const kept = new LRUCache<string, Promise<Uint8Array<ArrayBuffer>>>({ maxSize: keptBytes });
  const sending = new Map<string, { readers: number; readonly sizeBytes: number }>();
  let heldBytes = 0;

  function hold(name: string, sizeBytes: number): void {
    const known = sending.get(name);
    if (known !== undefined) known.readers += 1;
    else {
      sending.set(name, { readers: 1, sizeBytes });
      heldBytes += sizeBytes;
    }
  }

  function letGo(name: string): void {
    const known = sending.get(name);
    if (known === undefined || --known.readers > 0) return;
    sending.delete(name);
    heldBytes -= known.sizeBytes;
  }

  return {
    async take(name, sizeBytes, read) {
      const isSent = sending.has(name);
      if (sizeBytes > MAX_BLOB_BYTES || (!isSent && heldBytes + sizeBytes > sentBytes)) return null;
      hold(name, sizeBytes);
      try {
        let bytes = kept.get(name);
        if (bytes === undefined) {
          bytes = read().then((found) => {
            if (found === null) throw new Error(`${name} is not there any more`);
            return found;
          });
          kept.set(name, bytes, { size: Math.max(1, sizeBytes) });
        }
        return { bytes: await bytes, letGo: () => letGo(name) };
      } catch (error) {
        kept.delete(name);
        letGo(name);
        throw error;
      }
    },
  };
}
