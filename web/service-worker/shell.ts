/**
 * Fetch the shell's files. A redirect on the way is forgotten: browsers refuse a navigation that is answered
 * with one. Throws an Error for an answer that is not the file, such as the page of a network that asks for a sign-in.
 */
export async function fetchShell(
  urls: readonly string[],
  fetch: (request: Request) => Promise<Response>,
  /** The file name of the page's entry script. */
  entry: string,
): Promise<readonly (readonly [url: string, answer: Response])[]> {
  return Promise.all(
    urls.map(async (url) => {
      const answer = await fetch(new Request(url, { cache: "reload" }));
      const isPage = new URL(url).pathname.endsWith("/index.html");
      const body = await answer.blob();
      const isRight = isPage ? (await body.text()).includes(entry) : !isHtml(answer);
      if (answer.status !== 200 || !isRight) throw new Error(`${url} is not there as it was built`);
      return [url, new Response(body, { headers: answer.headers })] as const;
    }),
  );
}

/**
 * Answer a navigation: the page as it is kept, for any answer that is the page. The network is asked first, so
 * that a proxy whose session ended can show its sign-in; within `waitMs`, so that a dead line does not hold up
 * what works offline.
 */
export async function answerNavigation(
  request: Request,
  sources: {
    readonly kept: () => Promise<Response | undefined>;
    readonly fetch: (request: Request) => Promise<Response>;
    readonly waitMs: number;
  },
): Promise<Response> {
  const kept = await sources.kept();
  if (kept === undefined) return sources.fetch(request);
  const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), sources.waitMs));
  const answer = await Promise.race([sources.fetch(request).catch(() => null), late]);
  if (answer === null || answer.status >= 500 || (await isOurs(answer))) return kept;
  return answer;
}

/** Whether an answer is this page, of whatever build: its entry script has a name like no other page's. */
async function isOurs(answer: Response): Promise<boolean> {
  if (answer.type === "opaqueredirect" || answer.status !== 200 || !isHtml(answer)) return false;
  return /assets\/index-[\w-]+\.js/.test(await answer.clone().text());
}

const isHtml = ({ headers }: Response): boolean =>
  (headers.get("content-type") ?? "").startsWith("text/html");
