import * as z from "zod/mini";
import { SIGNATURE_HEADER } from "../../core/protocol/limits.ts";
import { REJECT_CODES } from "../../core/protocol/reject-codes.ts";
import { errorBody } from "../../core/protocol/schemas/status.ts";
import type { Operation } from "./operation.ts";
import { OPERATIONS } from "./operations.ts";

/** The HTTP contract as OpenAPI 3.1, generated from the schemas that check it. */
export function openApiDocument(): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of OPERATIONS) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describe(operation) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Commonweight relay",
      version: "1",
      description: `Errors carry one of: ${Object.keys(REJECT_CODES).join(", ")}.`,
    },
    components: { securitySchemes: { maintainer: { type: "http", scheme: "bearer" } } },
    paths,
  };
}

function describe({
  method,
  cost,
  path,
  summary,
  answer,
  type,
  body,
  query,
  signed,
  maintainer,
}: Operation) {
  const binary = { [type ?? "application/octet-stream"]: { schema: { type: "string" } } };
  const parameters = [
    ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => parameter("path", name ?? "", true)),
    ...(query ?? []).map((name) => parameter("query", name, false)),
    ...(signed ? [parameter("header", SIGNATURE_HEADER, true)] : []),
  ];
  return {
    summary,
    parameters,
    ...((method === "get" || cost !== undefined) && { "x-cost": cost ?? 1 }),
    ...(body !== undefined && { requestBody: { content: body === "bytes" ? binary : json(body) } }),
    ...(maintainer && { security: [{ maintainer: [] }] }),
    responses: {
      "200": { description: summary, content: answer === undefined ? binary : json(answer) },
      default: { description: "A refusal", content: json(errorBody) },
    },
  };
}

/** The operation's path as a pattern of Hono's. */
export function patternOf({ path }: Operation): string {
  return path.replace(/\{(\w+)\}/g, ":$1");
}

function parameter(place: string, name: string, required: boolean) {
  return { in: place, name, required, schema: { type: "string" } };
}

function json(schema: z.ZodMiniType) {
  // "input": an answer may have more fields than these (H1), where the schema does not say otherwise
  return { "application/json": { schema: z.toJSONSchema(schema, { io: "input" }) } };
}
