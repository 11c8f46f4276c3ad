import { connect, type Socket } from "node:net";

/** One HTTP/1.1 connection that is kept: a request's bytes out, its status back once the whole answer is in. */
type Line = { ask(request: Buffer): Promise<number>; close(): void };

export type Timings = {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How many answers had each status. */
  readonly statuses: ReadonlyMap<number, number>;
  readonly bytes: number;
  readonly seconds: number;
};

/**
 * A client that does as little as it can, since it shares the machine with what it measures: it counts the answers' bytes
 * and reads their status and content-length. Answers without a content-length are not understood.
 */
function openLine(port: number, count: (bytes: number) => void): Line {
  const socket: Socket = connect(port, "127.0.0.1").setNoDelay(true);
  let resolve: (status: number) => void = () => {};
  let reject: (error: Error) => void = () => {};
  let head: Buffer = Buffer.alloc(0);
  let left = -1; // bytes of the body that are still to come; -1 in the head
  let status = 0;
  socket.on("data", (data: Buffer) => {
    count(data.length);
    let body = data;
    if (left < 0) {
      head = head.length === 0 ? data : Buffer.concat([head, data]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      const text = head.toString("latin1", 0, end);
      status = Number(text.slice(9, 12));
      left = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      body = head.subarray(end + 4);
      head = Buffer.alloc(0);
    }
    left -= body.length;
    if (left > 0) return;
    left = -1;
    resolve(status);
  });
  const fail = () => reject(new Error("the relay ended a connection"));
  socket.on("error", fail).on("close", fail);
  return {
    ask: (request) =>
      new Promise((done, failed) => {
        resolve = done;
        reject = failed;
        socket.write(request);
      }),
    close: () => void socket.destroy(),
  };
}

export type Load = {
  readonly port: number;
  readonly connections: number;
  /** The next request; null when there are no more. */
  readonly next: () => Buffer | null;
  /** Requests a second, at even times; as many as are answered where it is absent. */
  readonly perSecond?: number;
};

/** Send requests and time their answers, from when each was due. */
export async function load({ port, connections, next, perSecond }: Load): Promise<Timings> {
  const times: number[] = [];
  const statuses = new Map<number, number>();
  let bytes = 0;
  const lines = Array.from({ length: connections }, () =>
    openLine(port, (size) => {
      bytes += size;
    }),
  );
  const began = performance.now();
  let sent = 0;
  async function drive(line: Line): Promise<void> {
    for (let request = next(); request !== null; request = next()) {
      const due = perSecond === undefined ? performance.now() : began + (sent++ * 1000) / perSecond;
      const wait = due - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      const status = await line.ask(request);
      times.push(performance.now() - due);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  }
  await Promise.all(lines.map(drive));
  const seconds = (performance.now() - began) / 1000;
  for (const line of lines) line.close();
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(share * (times.length - 1))] ?? Number.NaN;
  return {
    perSecond: times.length / seconds,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    statuses,
    bytes,
    seconds,
  };
}

/** A request's bytes. */
export function requestOf(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body: Uint8Array = new Uint8Array(0),
): Buffer {
  const lines = Object.entries({ host: "relay", ...headers }).map((pair) => pair.join(": "));
  if (method !== "GET") lines.push(`content-length: ${body.length}`);
  const head = `${method} ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

/** The same request for so many seconds. */
export function forSeconds(seconds: number, request: Buffer): () => Buffer | null {
  const end = performance.now() + seconds * 1000;
  return () => (performance.now() < end ? request : null);
}
