/** What answering for a file needs of a service worker. */
export type FileSources = {
  /** The file in this build's cache, or else in another's. */
  readonly kept: (request: Request) => Promise<Response | undefined>;
  readonly fetch: (request: Request) => Promise<Response>;
  /** Keep a file for the next time; null for those that are not kept when they are fetched. */
  readonly keep: ((request: Request, answer: Response) => Promise<void>) | null;
  /** The relay does not have a file that this build had. */
  readonly onGone: () => Promise<void>;
  /** Goes on with `work` after the answer was given. */
  readonly later: (work: Promise<void>) => void;
};

/**
 * A file of any build: names of scripts hold their hash, so whichever cache has one has the right one. What a network
 * that asks for a sign-in answers instead is passed on, and neither kept nor taken from what was kept.
 */
export async function answerFile(request: Request, sources: FileSources): Promise<Response> {
  const { keep, onGone, later } = sources;
  const kept = await sources.kept(request);
  if (kept !== undefined && (keep === null || isCode(kept))) return kept;
  const answer = await sources.fetch(request);
  if (answer.status === 404) later(onGone().catch(() => {})); // offline again: the next 404 tells it too
  if (answer.status === 200 && keep !== null && !answer.redirected && isCode(answer)) {
    later(keep(request, answer.clone()).catch(() => {})); // no room: it is fetched again the next time
  }
  return answer;
}

/** Whether an answer is what engines and lazy views consist of: script, WebAssembly, or styles. */
function isCode({ headers }: Response): boolean {
  return /^(text\/css|text\/javascript|application\/javascript|application\/wasm)\b/.test(
    headers.get("content-type") ?? "",
  );
}
