import type { Context, Next } from "hono";

/** What a page may load (DESIGN §6); blobs may come from another host. */
export function contentPolicy(blobUrl: string): string {
  const blobOrigin = blobUrl.startsWith("/") ? "" : ` ${new URL(blobUrl).origin}`;
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    `connect-src 'self'${blobOrigin}`,
    "style-src 'self'",
    "img-src 'self'",
    "font-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** Headers of everything the relay serves. Blobs and the API replace the resource policy. */
export function securityHeaders(blobUrl: string) {
  const policy = contentPolicy(blobUrl);
  return async (c: Context, next: Next): Promise<void> => {
    await next();
    const { headers } = c.res;
    headers.set("content-security-policy", policy);
    headers.set("cross-origin-opener-policy", "same-origin");
    headers.set("cross-origin-embedder-policy", "require-corp");
    headers.set("referrer-policy", "no-referrer");
    headers.set("x-content-type-options", "nosniff");
    if (!headers.has("cross-origin-resource-policy")) {
      headers.set("cross-origin-resource-policy", "same-origin");
    }
  };
}
