import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import * as z from "zod/mini";
import { sha256 } from "../core/crypto/signature.ts";
import type { SignedSuite, Upstream } from "../core/models/model-source.ts";
import { encodeCanonical, parseJson } from "../core/protocol/canonical-json.ts";
import { MAX_ANCESTORS, MAX_SUITES_IN_FORCE } from "../core/protocol/limits.ts";
import { hash, signature } from "../core/protocol/schemas/primitives.ts";
import { ancestor, versionRecord } from "../core/protocol/schemas/version.ts";
import { InputProblem, rethrowAsProblem } from "./problem.ts";

const upstreamFile = z.strictObject({
  format: z.literal("commonweight.upstream/1"),
  lineage: z.array(ancestor).check(z.minLength(1), z.maxLength(MAX_ANCESTORS)),
  record: versionRecord,
  /** Each file is `suites/<id>.safetensors`. */
  suites: z.array(z.strictObject({ id: hash, signature })).check(z.maxLength(MAX_SUITES_IN_FORCE)),
});

const pathOf = (folder: string) => join(folder, "upstream.json");
const suitePath = (folder: string, id: string) => join(folder, "suites", `${id}.safetensors`);

/** Whether the model folder at `path` is a fork's. */
export const isFork = (path: string) => existsSync(pathOf(path));

/** Write what a fork brings along into the model folder `folder`. */
export async function writeUpstream(
  folder: string,
  { lineage, record, suites }: Upstream,
): Promise<void> {
  const listed: { id: string; signature: string }[] = [];
  if (suites.length > 0) await mkdir(join(folder, "suites"));
  for (const { bytes, signature } of suites) {
    const id = await sha256(bytes);
    await writeFile(suitePath(folder, id), bytes);
    listed.push({ id, signature });
  }
  const file = {
    format: "commonweight.upstream/1",
    lineage,
    record: parseJson("upstream", versionRecord, record),
    suites: listed,
  };
  await writeFile(pathOf(folder), `${JSON.stringify(file, null, 2)}\n`);
}

/** What a fork's model folder brings along. Throws an InputProblem that names the file. */
export async function readUpstream(folder: string): Promise<Upstream> {
  const name = join(basename(folder), "upstream.json");
  try {
    const file = parseJson(name, upstreamFile, await readFile(pathOf(folder)));
    const suites = file.suites.map(async ({ id, signature }): Promise<SignedSuite> => {
      const bytes = await readFile(suitePath(folder, id)).catch(() => {
        throw new InputProblem(`${basename(folder)}: the suite ${id} cannot be read.`);
      });
      return { bytes: Uint8Array.from(bytes), signature };
    });
    const record = encodeCanonical(file.record);
    return { lineage: file.lineage, record, suites: await Promise.all(suites) };
  } catch (error) {
    rethrowAsProblem(error);
  }
}
