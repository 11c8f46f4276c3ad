/** Whatever is asked, the relay answers by name: no request is a mistake of its own. */
import fc from "fast-check";
import { signRequest } from "../../core/protocol/signed-request.ts";
import type { TestRelay } from "../fixtures/test-relay.ts";
import type { Volunteer } from "../fixtures/volunteer.ts";

const text = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.constantFrom("\ud800", "%", "%ff", "%00", "..", "tiny", "0", "head", "1e9", "-1", "__proto__"),
);
const headerValue = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.constantFrom(
    "bytes=0-0",
    "bytes=-",
    "bytes=0-,-1",
    "*",
    "W/",
    '"',
    "gzip;q=0",
    "0",
    "1e99",
    "Bearer x",
  ),
);
const headers = fc.dictionary(
  fc.constantFrom(
    ...["range", "if-range", "if-none-match", "if-match", "if-modified-since", "accept-encoding"],
    ...["accept", "last-event-id", "x-forwarded-for", "authorization", "commonweight-ticket"],
    ...["commonweight-signature", "content-type", "commonweight-protocol"],
  ),
  headerValue,
  { maxKeys: 4 },
);
const json = fc.oneof(
  fc.json({ maxDepth: 3 }),
  fc
    .record({ model: text, version: fc.integer(), tag: text, contribution: text, reason: text })
    .map((x) => JSON.stringify(x)),
  fc.record({ contributor: text, reason: text }).map((x) => JSON.stringify(x)),
  fc.constantFrom(
    "[".repeat(8000),
    `${"[".repeat(8000)}${"]".repeat(8000)}`,
    '{"model":"tiny","reason":"\\ud800"}',
  ),
);
const places = [
  ...[
    "health",
    "models",
    "models/tiny",
    "models/:x",
    "models/:x/versions",
    "models/tiny/versions?before=:x",
  ],
  ...[
    "models/tiny/versions/:x",
    "models/tiny/versions/:x/checkpoint",
    "models/tiny/versions/0/checkpoint?from=:x",
  ],
  ...[
    "models/tiny/versions/:x/export.safetensors",
    "models/tiny/shards",
    "blobs/:x",
    "contributions/:x",
  ],
  ...[
    "contributions?contributor=:x",
    "leaderboard?model=tiny&window=:x",
    "leaderboard?model=:x",
    "refused-work?model=:x",
    "contributors/:x?model=tiny",
    "contributors/:x/cloth?model=tiny",
    "contributors/:x/name",
    "openapi.json",
  ],
  ...[
    "events?topics=:x",
    "admin/audit",
    "admin/revert/:x",
    "admin/pause",
    "admin/tag",
    "admin/ban",
    "admin/unban",
  ],
  ...["admin/revert", "models/tiny/tickets", "models/:x/tickets", ":x"],
];

/** Everything that `console.error` was told since the relay started: what the relay itself failed at. */
export type Told = { readonly calls: readonly unknown[]; clear(): void };

/** Ask, and throw unless the answer is named and none of the relay's own mistakes. */
async function expectNamed(
  { relay, told }: FuzzStage,
  path: string,
  init: RequestInit,
): Promise<void> {
  told.clear();
  let answer: Response;
  try {
    answer = await relay.ask(path, init);
  } catch (error) {
    if (error instanceof TypeError && told.calls.length === 0) return; // no request that HTTP can carry
    throw error;
  }
  const hint = `${init.method} ${path}: ${answer.status} ${told.calls[0]}`;
  if (answer.status === 500) throw new Error(hint);
  if (answer.headers.get("content-security-policy") === null) throw new Error(`no policy: ${hint}`);
  await answer.body?.cancel();
}

export type FuzzStage = { readonly relay: TestRelay; readonly told: Told };

/** Ask `runs` things of any address, with any headers and JSON, sometimes as a maintainer. */
export async function fuzzRequests(
  stage: FuzzStage,
  token: string,
  runs: number,
  seed: number,
): Promise<void> {
  const request = fc.record({
    place: fc.constantFrom(...places),
    value: text,
    method: fc.constantFrom("GET", "GET", "HEAD", "POST", "POST", "PUT", "DELETE", "OPTIONS"),
    headers,
    json,
    isMaintainer: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      request,
      async ({ place, value, method, headers: own, json, isMaintainer }) => {
        const path = `/api/v1/${place.replace(":x", () => encode(value))}`;
        const all = isMaintainer ? { ...own, authorization: `Bearer ${token}` } : own;
        const hasBody = method === "POST" || method === "PUT";
        await expectNamed(stage, path, { method, headers: all, ...(hasBody && { body: json }) });
      },
    ),
    { numRuns: runs, seed },
  );
}

/** Half of the values as they are, so that addresses are met that nobody may write. */
function encode(value: string): string {
  return value.isWellFormed() && value.length % 2 === 0 ? encodeURIComponent(value) : value;
}

/** Sign `runs` requests for work that say anything. */
export async function fuzzTickets(
  stage: FuzzStage,
  volunteer: Volunteer,
  runs: number,
  seed: number,
): Promise<void> {
  const request = fc.record(
    {
      contributor: fc.constantFrom(volunteer.contributor, "\ud800"),
      issuedAt: fc.oneof(fc.constant(stage.relay.now()), fc.double()),
      backend: fc.oneof(fc.constantFrom("cpu", "wasm", "webgpu"), text),
      device: text,
    },
    { requiredKeys: ["contributor", "issuedAt"] },
  );
  const path = "/api/v1/models/tiny/tickets";
  await fc.assert(
    fc.asyncProperty(request, async (value) => {
      const body = new TextEncoder().encode(JSON.stringify(value));
      const signature = await signRequest(path, body, volunteer.keys.privateKey);
      const own = { "commonweight-signature": signature };
      await expectNamed(stage, path, { method: "POST", headers: own, body });
    }),
    { numRuns: runs, seed },
  );
}
