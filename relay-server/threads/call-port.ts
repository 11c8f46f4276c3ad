import type { MessagePort, Worker } from "node:worker_threads";

/**
 * Calls across threads: `{ id, method, args }` there, `{ id, value }` or `{ id, error }` back. Beside comlink it
 * keeps an error's `code`, which tells a full disk from a fault.
 */
type Call = { readonly id: number; readonly method: string; readonly args: readonly unknown[] };
type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: PlainError };
type PlainError = { name: string; message: string; stack?: string; code?: string };

/** What can be called through a port: every method takes clonable values and returns a promise of one. */
// biome-ignore lint/suspicious/noExplicitAny: a method of any parameters; the caller's type says which
export type Callable = { readonly [method: string]: (...args: any[]) => Promise<unknown> };

/** Answer the calls that come through `port` with the methods of `target`. */
export function answerCalls(port: MessagePort, target: Callable): void {
  port.on("message", async (call: Call) => {
    try {
      const method = target[call.method];
      if (method === undefined) throw new Error(`internal: no method ${call.method}`);
      const value = await method(...call.args);
      port.postMessage({ id: call.id, value } satisfies Answer);
    } catch (error) {
      port.postMessage({ id: call.id, error: plainError(error) } satisfies Answer);
    }
  });
}

/** The other side of `answerCalls`: an object whose methods are carried out in `worker`. */
export function callThread<T extends Callable>(worker: Worker): T {
  type Waiting = { resolve(value: unknown): void; reject(error: Error): void };
  const waiting = new Map<number, Waiting>();
  let nextId = 0;
  let ended: Error | null = null;
  const end = (error: Error) => {
    ended = error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.on("message", (answer: unknown) => {
    if (!isAnswer(answer)) return; // `node --watch` sends words of its own through the same port
    const call = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ("error" in answer) call?.reject(errorOf(answer.error));
    else call?.resolve(answer.value);
  });
  worker.on("error", end);
  worker.on("exit", () => end(new Error("the thread has ended")));
  const call = (method: string, args: readonly unknown[]) =>
    new Promise((resolve, reject) => {
      if (ended !== null) return reject(ended);
      const id = nextId++;
      waiting.set(id, { resolve, reject });
      worker.postMessage({ id, method, args } satisfies Call);
    });
  const methods = new Proxy({} as T, {
    get: (_, method) =>
      typeof method === "string" && method !== "then" // a proxy with `then` would be awaited
        ? (...args: unknown[]) => call(method, args)
        : undefined,
  });
  return methods;
}

function isAnswer(message: unknown): message is Answer {
  return typeof message === "object" && message !== null && "id" in message;
}

function plainError(error: unknown): PlainError {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const { name, message, stack } = error;
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  return {
    name,
    message,
    ...(stack !== undefined && { stack }),
    ...(code !== undefined && { code }),
  };
}

function errorOf({ name, message, stack, code }: PlainError): Error {
  return Object.assign(new Error(message), {
    name,
    ...(stack !== undefined && { stack }),
    ...(code !== undefined && { code }),
  });
}
