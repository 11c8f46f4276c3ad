import { util } from "@tensorflow/tfjs-core";
import { matrix, part } from "../attributes.ts";
import { type Body, eachElement, elementsOf, take } from "./body.ts";
import { runInParts } from "./dispatch-limit.ts";
import type { Program } from "./program.ts";
import { MAIN, THREADS } from "./programs.ts";
import { runSampledLookup } from "./sampled.ts";

/** x [R, C]: a token's row, with or without what its time adds. */
const embedProgram = (hasPositions: boolean): Program => ({
  name: `commonweight_embed_${hasPositions}`,
  inputs: ["tokens", "table", ...(hasPositions ? ["positions"] : [])],
  integers: ["elements", "channels", "time", "firstRow", "tableRows", "firstGroup"],
  workgroupSize: THREADS,
  code: `${MAIN}${eachElement(`
        let row = at / uniforms.channels;
        let c = at % uniforms.channels;
        let token = tokens[row] - uniforms.firstRow;
        var value = 0.0;
        if (token >= 0 && token < uniforms.tableRows) { value = table[token * uniforms.channels + c]; }
        ${hasPositions ? "value += positions[(row % uniforms.time) * uniforms.channels + c];" : ""}
        result[at] = value;`)}
    }`,
});
const EMBED = { plain: embedProgram(false), placed: embedProgram(true) };

export const EMBEDDING_BODIES: Readonly<Record<string, Body>> = {
  Embed: (backend, inputs, { time, first }) => {
    const [tokens, table] = take(inputs, "tokens", "table");
    const { positions } = inputs;
    const [rows, C] = matrix(table);
    const x = backend.makeTensorInfo([util.sizeFromShape(tokens.shape), C], "float32");
    const { integers, ...size } = elementsOf(x, 1);
    runInParts(backend, positions === undefined ? EMBED.plain : EMBED.placed, {
      output: x,
      inputs: positions === undefined ? [tokens, table] : [tokens, table, positions],
      integers: [...integers, C, Number(time), Number(first), rows],
      ...size,
    });
    return x;
  },

  SampledLookup: (backend, inputs, attributes) => {
    const [gradient, tokens, dx] = take(inputs, "gradient", "tokens", "dx");
    const [positions] = take(inputs, "positions");
    const { start, count } = part(attributes);
    const pair = { start, first: 0, second: count };
    const adds = attributes.adds === true;
    runSampledLookup(backend, { gradient, tokens, dx, positions, pair, adds });
    return [];
  },
};
