import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PROCESS = fileURLToPath(new URL("./process.ts", import.meta.url));

/** A relay in a process of its own. */
export type Running = {
  readonly port: number;
  readonly startedMs: number;
  /** Its resident memory, after a collection. */
  rssBytes(): Promise<number>;
  /** For how long all its threads have computed so far. */
  cpuMs(): Promise<number>;
  /** Do something that its maintainer may do. */
  manage(what: "pause" | "resume", model: string): Promise<void>;
  stop(): Promise<void>;
};

/** Start it on `dataDir` and wait until it answers. */
export async function startRunning(dataDir: string): Promise<Running> {
  const started = performance.now();
  const child = fork(PROCESS, [dataDir], { execArgv: ["--expose-gc"] });
  const { port } = await reply<{ port: number }>(child);
  const startedMs = performance.now() - started;
  return {
    port,
    startedMs,
    async rssBytes() {
      child.send("memory");
      return (await reply<{ rssBytes: number }>(child)).rssBytes;
    },
    async cpuMs() {
      child.send("time");
      return (await reply<{ cpuMs: number }>(child)).cpuMs;
    },
    async manage(what, model) {
      const token = (await readFile(join(dataDir, "maintainer-token"), "utf8")).trim();
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/admin/${what}`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify({ model, reason: "a bench" }),
      });
      if (!answer.ok) throw new Error(`${what}: ${answer.status} ${await answer.text()}`);
    },
    async stop() {
      const exit = once(child, "exit");
      child.kill("SIGKILL");
      await exit;
    },
  };
}

async function reply<T>(child: ChildProcess): Promise<T> {
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`the relay ended with ${code}`);
  });
  ended.catch(() => {}); // after its reply it may
  const [message] = await Promise.race([once(child, "message"), ended]);
  return message;
}
