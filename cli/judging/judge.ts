import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { setImmediate, setTimeout as wait } from "node:timers/promises";
import { Command } from "commander";
import { generateKeyPair, type KeyPair, publicKeyHex } from "../../core/crypto/signature.ts";
import { createRelayClient, type RelayClient } from "../../core/protocol/client.ts";
import { RelayError } from "../../core/protocol/relay-error.ts";
import type { JudgingJob } from "../../core/protocol/schemas/judging.ts";
import { readFileIfAny, writeFileAtomic } from "../atomic-file.ts";
import { decodeKeyFile, encodeKeyFile } from "../key-file.ts";
import { parsePositive, relayOption } from "../options.ts";
import type { Terminal } from "../terminal.ts";
import { createJobRunner, type JobOptions } from "./do-job.ts";

type JudgeOptions = { readonly relay: string; readonly keyFile: string; readonly jobs?: number };

const RETRY_SECONDS = 10; // where the relay does not say how long

/** `commonweight judge`: do the training and evaluating that a relay's judging needs, on this machine. */
export function judgeCommand(terminal: Terminal): Command {
  return new Command("judge")
    .description(
      "Do the training and evaluating that a relay's judging needs on this machine's processor, until it is stopped. A maintainer of the relay names this machine's key first.",
    )
    .addOption(relayOption())
    .option(
      "--key-file <FILE>",
      "this machine's key; made if it is not there",
      join(homedir(), ".commonweight", "judge-key.json"),
    )
    .option("--jobs <N>", "end after N jobs; without it, Ctrl-C ends", parsePositive)
    .action(async ({ relay, keyFile, jobs }: JudgeOptions) => {
      const { print, signal } = terminal;
      const keys = await openKeys(keyFile);
      const judge = await publicKeyHex(keys);
      print(`This judge's key is ${judge}`);
      const client = createRelayClient({ baseUrl: relay, fetch });
      const doJob = createJobRunner(client);
      const most = jobs ?? Number.POSITIVE_INFINITY;
      for (let done = 0; done < most && !signal.aborted; ) {
        const pauseSeconds = await judgeOnce(client, keys, doJob, signal).catch((error: unknown) =>
          afterTrouble(error, judge, terminal),
        );
        if (pauseSeconds === null) print(`${++done} ${done === 1 ? "job" : "jobs"} done`);
        else await wait(pauseSeconds * 1000, undefined, { signal }).catch(() => {}); // Ctrl-C ends it
      }
    });
}

/**
 * Ask for a job and do it: null once its answer is taken, else after how many seconds to ask again. The job's lease is renewed
 * while it is done, as long as `doJob` breathes more often than a lease is long.
 */
export async function judgeOnce(
  client: Pick<RelayClient, "job" | "jobInput" | "putJudgement">,
  keys: KeyPair,
  doJob: (job: JudgingJob, options: JobOptions) => Promise<Uint8Array<ArrayBuffer>>,
  signal: AbortSignal,
): Promise<number | null> {
  const judge = await publicKeyHex(keys);
  const ask = (holds?: string) =>
    client.job(
      { judge, issuedAt: Date.now(), ...(holds !== undefined && { holds }) },
      keys.privateKey,
      { signal },
    );
  const { job, retryAfterSeconds } = await ask();
  if (job === null) return retryAfterSeconds;
  let renewal: Promise<unknown> = Promise.resolve();
  const renewing = setInterval(() => {
    renewal = ask(job.id).catch(() => {}); // if the job is lost, its answer is refused, and says so
  }, retryAfterSeconds * 1000);
  const input = (hash: string) =>
    onceWelcome(signal, () =>
      client.jobInput(job.id, hash, { judge, issuedAt: Date.now() }, keys.privateKey, { signal }),
    );
  const breathe = async () => {
    await setImmediate(); // the timer and Ctrl-C come through
    await renewal; // steps that take seconds would leave it no time
  };
  try {
    const bytes = await doJob(job, { signal, breathe, input });
    await onceWelcome(signal, () =>
      client.putJudgement(job.id, bytes, keys.privateKey, { signal }),
    );
    return null;
  } finally {
    clearInterval(renewing);
  }
}

/** `request` again, as often as this network is told to wait: who asks for another job instead gives up the one that it holds (protocol J3). */
async function onceWelcome<T>(signal: AbortSignal, request: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof RelayError) || error.code !== "rate-limited") throw error;
      await wait((error.retryAfterSeconds ?? RETRY_SECONDS) * 1000, undefined, { signal });
    }
  }
}

/** What the judge does not go on after ends it with one sentence. */
function afterTrouble(error: unknown, judge: string, { print, signal }: Terminal): number {
  if (signal.aborted) return 1;
  if (!(error instanceof RelayError)) throw error;
  if (error.code === "judge-unknown") {
    throw new Error(
      `This relay gives this machine no jobs. A maintainer names it: npx commonweight judge-name ${judge} --name NAME --reason "WHY"`,
    );
  }
  if (error.code === "job-unknown") return 1;
  if (error.action !== "retry") throw error;
  const seconds = error.retryAfterSeconds ?? RETRY_SECONDS;
  print(`${error.message}; trying again in ${seconds} s`);
  return seconds;
}

async function openKeys(path: string): Promise<KeyPair> {
  const bytes = await readFileIfAny(path);
  if (bytes !== null) return decodeKeyFile(path, bytes);
  const keys = await generateKeyPair(true);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFileAtomic(path, await encodeKeyFile(keys), 0o600);
  return keys;
}
