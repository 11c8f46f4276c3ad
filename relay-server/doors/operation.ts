import type * as z from "zod/mini";

/** A route as clients and the relay's limits know it; a handler for each is in `…-routes.ts` (a test compares). */
export type Operation = {
  readonly method: "get" | "post" | "put";
  readonly path: string;
  readonly summary: string;
  /** The JSON answer; without one it is bytes. */
  readonly answer?: z.ZodMiniType;
  readonly type?: string;
  readonly body?: z.ZodMiniType | "bytes";
  readonly query?: readonly string[];
  readonly signed?: true;
  readonly maintainer?: true;
  /**
   * What it takes of a network's share of reading (H32), a blob being 1. A GET without it takes 1; a POST that has it
   * changes nothing that lasts, and counts as reading too.
   */
  readonly cost?: number;
};
