import { readFile, stat } from "node:fs/promises";
import { extname, join, normalize, resolve } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { Hono } from "hono";
import { sha256 } from "../../core/crypto/signature.ts";
import { matches, prefersGzip } from "./file-answer.ts";
import { Refusal } from "./refusal.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".wasm": "application/wasm",
  ".txt": "text/plain; charset=utf-8",
};
const SHRINKS = new Set([".html", ".js", ".css", ".json", ".webmanifest", ".svg", ".wasm", ".txt"]);
const HASHED = /^\/(assets|engine)\/[^/]+-[\w-]{8}\.\w+$/; // Vite puts a content hash into these names

const MISSING = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Commonweight</title>
<h1>The page is not built yet</h1>
<p>This relay works, but its WEB_DIR holds no page. Run <code>npm run build</code> and load this address again.</p>
</html>`;

type PageFile = {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly small: Uint8Array<ArrayBuffer> | null;
  readonly sha256: string;
};

/** The built page: hashed files for ever, the rest asked for anew; every route of the page is index.html. */
export function pageRoutes(webDir: string): Hono {
  const root = resolve(webDir);
  const cache = new Map<string, { modified: number; file: Promise<PageFile> }>();

  async function open(path: string): Promise<PageFile | null> {
    const found = await stat(path).catch(() => null); // missing, or a name that no file can have
    if (found === null || !found.isFile()) return null;
    const known = cache.get(path);
    if (known?.modified === found.mtimeMs) return known.file;
    const file = load(path);
    cache.set(path, { modified: found.mtimeMs, file });
    file.catch(() => cache.delete(path)); // to be tried again
    return file;
  }

  const app = new Hono();
  app.get("*", async (c) => {
    const path = normalize(decodePath(c.req.path));
    const isPage = extname(path) === "";
    const above = (path.match(/\//g)?.length ?? 1) - 1;
    const name = isPage ? "/index.html" : path;
    const file = await open(join(root, name));
    if (file === null) {
      if (isPage) return c.html(MISSING, 503, { "cache-control": "no-store" });
      throw new Refusal("route-unknown", "there is no such file");
    }
    if (isPage && above > 0) return c.redirect("../".repeat(above)); // the page names its files from where it is
    const etag = `W/"${file.sha256}"`;
    const headers = {
      "content-type": TYPES[extname(name)] ?? "application/octet-stream",
      "cache-control": HASHED.test(name) ? "public, max-age=31536000, immutable" : "no-cache",
      vary: "accept-encoding",
      etag,
    };
    if (matches(c.req.header("if-none-match") ?? "", [`"${file.sha256}"`]))
      return c.body(null, 304, headers);
    const asked = prefersGzip(c.req.header("accept-encoding"));
    if (!asked || file.small === null) return c.body(file.bytes, 200, headers);
    return c.body(file.small, 200, { ...headers, "content-encoding": "gzip" });
  });
  return app;
}

function decodePath(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    throw new Refusal("malformed", "this address is not UTF-8"); // the only thing that decodeURI throws for
  }
}

async function load(path: string): Promise<PageFile> {
  const bytes = new Uint8Array(await readFile(path));
  const small = SHRINKS.has(extname(path)) ? await promisify(gzip)(bytes) : null;
  return { bytes, small: small && new Uint8Array(small), sha256: await sha256(bytes) };
}
