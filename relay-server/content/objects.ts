/**
 * Bytes by name, of which a reader sees all or none: a folder's files or a bucket's objects. A name is a path, such as
 * `private/digits/gate.safetensors`. Only what lies in `blobs` is public.
 */
export type Objects = {
  /** Keep `bytes`, in place of what has that name. Durable when it resolves. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** The bytes of that name; null where there are none. */
  read(name: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** How many bytes they are; null where there are none. */
  size(name: string): Promise<number | null>;
  /** The bytes from…to−1, as they are taken; a stream that fails where there are none. */
  stream(name: string, from: number, to: number): ReadableStream<Uint8Array>;
  /** What is not there may be removed, too. */
  remove(name: string): Promise<void>;
  /** All that lies in `folder`, and when it was put, in ms since 1970. */
  list(folder: string): Promise<{ readonly name: string; readonly at: number }[]>;
  removeAll(folder: string): Promise<void>;
  /** Bytes that still find room; null where nobody can say. */
  room(): Promise<number | null>;
};
