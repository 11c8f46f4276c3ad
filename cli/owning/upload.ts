import { setTimeout as sleep } from "node:timers/promises";
import type { AdditionChunk } from "../../core/models/addition-files.ts";
import type { Maintainer } from "../../core/protocol/maintainer-client.ts";
import { RelayError } from "../../core/protocol/relay-error.ts";
import type { AdditionRequest, AdditionStatus } from "../../core/protocol/schemas/addition.ts";
import { InputProblem } from "../../import/problem.ts";
import type { Terminal } from "../terminal.ts";

const POLL_MS = 300;

type Upload = {
  /** Of the model. */
  readonly title: string;
  /** Every chunk of the plan. */
  chunks(): AsyncIterable<AdditionChunk>;
  readonly maintainer: Maintainer;
  readonly terminal: Terminal;
};

/** Send what the relay lacks of an addition and wait until it is entered. Throws an InputProblem where the relay refuses it. */
export async function uploadAddition(
  request: AdditionRequest,
  { title, chunks, maintainer, terminal }: Upload,
): Promise<AdditionStatus> {
  const { signal, progress } = terminal;
  let status = await insist(() => maintainer.add(request, { signal }), signal);
  const { id } = status;
  const missing = new Set(status.missing);
  if (missing.size > 0) {
    for await (const chunk of chunks()) {
      if (!missing.delete(chunk.sha256)) continue;
      await insist(() => maintainer.putAdditionChunk(id, chunk, { signal }), signal);
      progress(`${title}: ${status.total - missing.size} of ${status.total} chunks sent`);
    }
    status = await insist(() => maintainer.add(request, { signal }), signal);
  }
  while (status.state === "importing") {
    progress(`${title}: the relay reads it, ${status.done} of ${status.total}`);
    await sleep(POLL_MS, undefined, { signal });
    status = await insist(() => maintainer.addition(id, { signal }), signal);
  }
  progress(null);
  if (status.state === "added") return status;
  if (status.state === "refused")
    throw new InputProblem(`The relay refuses it: ${status.problem}.`);
  throw new InputProblem(
    `The relay did not enter it: ${status.problem ?? "a file changed while it was sent"}. The same command goes on from here.`,
  );
}

const MOST_TRIES = 8; // in a row: some two minutes of a relay that is away

/** What `call` answers, asked again for as long as the relay's answer is "try again". */
async function insist<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await call();
    } catch (error) {
      const isPassing =
        error instanceof RelayError && error.action === "retry" && error.code !== "storage-full";
      if (!isPassing || failures === MOST_TRIES) throw error;
      const seconds = error.retryAfterSeconds ?? Math.min(30, 2 ** failures);
      await sleep(1000 * seconds, undefined, { signal });
    }
  }
}
