import type { NamedAttrMap, TensorInfo } from "@tensorflow/tfjs-core";
import { matrix } from "../attributes.ts";
import { type Body, eachElement, elementsOf, take } from "./body.ts";
import { runInParts } from "./dispatch-limit.ts";
import type { Program } from "./program.ts";
import { MAIN, THREADS } from "./programs.ts";

// R rows (batch × time), T time, H heads of queries, K of keys and values, D channels of one

/**
 * The programs of attention for heads of D channels, causal or not: one thread a row and head, neighbours at
 * neighbouring times of the same head, so that they read the same keys at the same moment. The softmax is
 * made anew from its log-sums wherever it is needed, so nothing of size T × T is kept; every sum is one
 * thread's, in order.
 */
function attentionPrograms(
  D: number,
  causal: boolean,
): {
  logSums: Program;
  mixed: Program;
  queryGradient: Program;
  keyValueGradient: Program;
} {
  const integers = ["items", "time", "heads", "sharedHeads", "firstGroup"];
  const program = (name: string, inputs: string[], body: string, each = "heads"): Program => ({
    name: `commonweight_attention_${name}_${D}_${causal}`,
    inputs,
    integers,
    workgroupSize: THREADS,
    code: `${READ(D)}
      fn main(index : i32) {
        let item = index + uniforms.firstGroup * ${THREADS};
        if (item >= uniforms.items) { return; }
        let t = item % uniforms.time;
        let head = (item / uniforms.time) % uniforms.${each};
        let sequence = (item / uniforms.time / uniforms.${each}) * uniforms.time; // its first row
        let row = sequence + t;
        let last = ${causal ? "row" : "sequence + uniforms.time - 1"}; // that the row sees
        let firstQuery = ${causal ? "row" : "sequence"}; // that sees the row
        ${body}
      }`,
  });
  return {
    logSums: program("log_sums", ["qkv"], LOG_SUMS),
    mixed: program("mixed", ["qkv", "logSums"], MIXED(D)),
    queryGradient: program("query_gradient", ["dy", "qkv", "mixed", "logSums"], QUERY_GRADIENT(D)),
    keyValueGradient: program(
      "key_value_gradient",
      ["dy", "qkv", "mixed", "logSums"],
      KEY_VALUE_GRADIENT(D),
      "sharedHeads",
    ),
  };
}

/** Where a row's query, key (part 1) or value (2) for a head of queries begins, and q·k / √D. */
const READ = (D: number) => `
  fn queryOf(row : i32, head : i32) -> i32 {
    return (row * (uniforms.heads + 2 * uniforms.sharedHeads) + head) * ${D};
  }
  fn sharedOf(row : i32, part : i32, group : i32) -> i32 {
    return queryOf(row, uniforms.heads + (part - 1) * uniforms.sharedHeads + group);
  }
  fn columnOf(row : i32, part : i32, head : i32) -> i32 {
    return sharedOf(row, part, head * uniforms.sharedHeads / uniforms.heads);
  }
  fn scoreOf(queryRow : i32, keyRow : i32, head : i32) -> f32 {
    let query = queryOf(queryRow, head);
    let key = columnOf(keyRow, 1, head);
    var dot = 0.0;
    for (var d = 0; d < ${D}; d++) { dot += qkv[query + d] * qkv[key + d]; }
    return dot * ${1 / Math.sqrt(D)};
  }`;

/** result [R, H]: log Σ exp(score) over the keys up to the row's own, rescaled as larger scores come. */
const LOG_SUMS = `
        var most = scoreOf(row, sequence, head);
        var sum = 1.0;
        for (var s = sequence + 1; s <= last; s++) {
          let score = scoreOf(row, s, head);
          let larger = max(most, score);
          sum = sum * exp(most - larger) + exp(score - larger);
          most = larger;
        }
        result[row * uniforms.heads + head] = most + log(sum);`;

/** result [R, C]: Σ weight · value. */
const MIXED = (D: number) => `
        let logSum = logSums[row * uniforms.heads + head];
        var sums : array<f32, ${D}>;
        for (var s = sequence; s <= last; s++) {
          let weight = exp(scoreOf(row, s, head) - logSum);
          let value = columnOf(s, 2, head);
          for (var d = 0; d < ${D}; d++) { sums[d] += weight * qkv[value + d]; }
        }
        let out = (row * uniforms.heads + head) * ${D};
        for (var d = 0; d < ${D}; d++) { result[out + d] = sums[d]; }`;

/** The queries' columns of result [R, 3C]. */
const QUERY_GRADIENT = (D: number) => `
        let logSum = logSums[row * uniforms.heads + head];
        let out = (row * uniforms.heads + head) * ${D};
        var mean = 0.0; // Σ weight · dweight over the keys, which is dy · mixed
        for (var d = 0; d < ${D}; d++) { mean += dy[out + d] * mixed[out + d]; }
        var sums : array<f32, ${D}>;
        for (var s = sequence; s <= last; s++) {
          let weight = exp(scoreOf(row, s, head) - logSum);
          let key = columnOf(s, 1, head);
          let value = columnOf(s, 2, head);
          var dweight = 0.0;
          for (var d = 0; d < ${D}; d++) { dweight += dy[out + d] * qkv[value + d]; }
          let dscore = weight * (dweight - mean) * ${1 / Math.sqrt(D)};
          for (var d = 0; d < ${D}; d++) { sums[d] += dscore * qkv[key + d]; }
        }
        let query = queryOf(row, head);
        for (var d = 0; d < ${D}; d++) { result[query + d] = sums[d]; }`;

/** The keys' and values' columns of result: the row's key and value, seen by the queries of every head that shares them. */
const KEY_VALUE_GRADIENT = (D: number) => `
        let key = sharedOf(row, 1, head);
        let value = sharedOf(row, 2, head);
        let group = uniforms.heads / uniforms.sharedHeads;
        var keySums : array<f32, ${D}>;
        var valueSums : array<f32, ${D}>;
        for (var h = head * group; h < (head + 1) * group; h++) {
          for (var q = firstQuery; q < sequence + uniforms.time; q++) {
            let weight = exp(scoreOf(q, row, h) - logSums[q * uniforms.heads + h]);
            let at = (q * uniforms.heads + h) * ${D};
            var difference = 0.0; // dweight − mean = dy · (value − mixed)
            for (var d = 0; d < ${D}; d++) {
              difference += dy[at + d] * (qkv[value + d] - mixed[at + d]);
              valueSums[d] += weight * dy[at + d];
            }
            let dscore = weight * difference * ${1 / Math.sqrt(D)};
            let query = queryOf(q, h);
            for (var d = 0; d < ${D}; d++) { keySums[d] += dscore * qkv[query + d]; }
          }
        }
        for (var d = 0; d < ${D}; d++) {
          result[key + d] = keySums[d];
          result[value + d] = valueSums[d];
        }`;

/** Heads brought side by side or apart, value by value. */
const headsProgram = (name: string, turned: boolean, inputs: string[], body: string): Program => ({
  name: `commonweight_${name}_heads_${turned}`,
  inputs: [...inputs, ...(turned ? ["angles"] : [])],
  integers: ["elements", "time", "heads", "sharedHeads", "channels", "part", "firstGroup"],
  workgroupSize: THREADS,
  code: `${MAIN}${eachElement(body)}
    }`,
});

/** The value at column d of a head, turned with the one half a head further; `read` is WGSL that reads x at a column. */
const turn = (turned: boolean, sign: string, read: (column: string) => string) =>
  turned
    ? `
          let half = uniforms.channels / 2;
          let angle = (row % uniforms.time) * uniforms.channels + d % half;
          let cosine = angles[angle];
          let sine = ${sign}angles[angle + half];
          if (d < half) { value = value * cosine - ${read("column + half")} * sine; }
          else { value = value * cosine + ${read("column - half")} * sine; }`
    : "";

/** Of result [R, (H + 2K)·D] the values of one part: queries (0), keys (1) or values (2) from x. */
const joinProgram = (turned: boolean): Program =>
  headsProgram(
    "join",
    turned,
    ["x"],
    `
        let width = select(uniforms.sharedHeads, uniforms.heads, uniforms.part == 0) * uniforms.channels;
        let row = at / width;
        let column = at % width;
        let d = column % uniforms.channels;
        var value = x[at];
        if (uniforms.part < 2) {${turn(turned, "", (column) => `x[row * width + ${column}]`)}
        }
        let before = uniforms.heads * min(uniforms.part, 1) + uniforms.sharedHeads * max(uniforms.part - 1, 0);
        let all = (uniforms.heads + 2 * uniforms.sharedHeads) * uniforms.channels;
        result[row * all + before * uniforms.channels + column] = value;`,
  );

const splitProgram = (turned: boolean): Program =>
  headsProgram(
    "split",
    turned,
    ["x"],
    `
        let width = select(uniforms.sharedHeads, uniforms.heads, uniforms.part == 0) * uniforms.channels;
        let row = at / width;
        let column = at % width;
        let d = column % uniforms.channels;
        let before = uniforms.heads * min(uniforms.part, 1) + uniforms.sharedHeads * max(uniforms.part - 1, 0);
        let all = (uniforms.heads + 2 * uniforms.sharedHeads) * uniforms.channels;
        let start = row * all + before * uniforms.channels;
        var value = x[start + column];
        if (uniforms.part < 2) {${turn(turned, "-", (column) => `x[start + ${column}]`)}
        }
        result[at] = value;`,
  );

const JOIN = { plain: joinProgram(false), turned: joinProgram(true) };
const SPLIT = { plain: splitProgram(false), turned: splitProgram(true) };

const PASSES_OF_A_KEY = 4; // over its D channels, in the longest of the programs
const TURN_COST = 4; // multiply-adds of a value that is turned

function sizesOf(qkv: TensorInfo, { time, heads, keyValueHeads, causal }: NamedAttrMap) {
  const [R, W] = matrix(qkv);
  const [H, K] = [Number(heads), Number(keyValueHeads)];
  return { R, W, T: Number(time), H, K, D: W / (H + 2 * K), causal: causal === true };
}

/** A dispatch of one thread a row and each of `count` heads; where those are shared, each goes over several heads' queries. */
function callOf({ R, T, H, K, D }: ReturnType<typeof sizesOf>, count: number) {
  return {
    integers: [R * count, T, H, K],
    groups: Math.ceil((R * count) / THREADS),
    groupCost: THREADS * PASSES_OF_A_KEY * T * D * (H / count),
  };
}

export const ATTENTION_BODIES: Readonly<Record<string, Body>> = {
  Attention: (backend, inputs, attributes) => {
    const [qkv] = take(inputs, "qkv");
    const sizes = sizesOf(qkv, attributes);
    const { R, H, D, causal } = sizes;
    const programs = attentionPrograms(D, causal);
    const call = callOf(sizes, H);
    const logSums = backend.makeTensorInfo([R, H], "float32");
    const mixed = backend.makeTensorInfo([R, H * D], "float32");
    runInParts(backend, programs.logSums, { output: logSums, inputs: [qkv], ...call });
    runInParts(backend, programs.mixed, { output: mixed, inputs: [qkv, logSums], ...call });
    return [mixed, logSums];
  },

  AttentionGradient: (backend, inputs, attributes) => {
    const given = take(inputs, "dy", "qkv", "mixed", "logSums");
    const sizes = sizesOf(given[1], attributes);
    const { R, W, H, K, D, causal } = sizes;
    const programs = attentionPrograms(D, causal);
    const dqkv = backend.makeTensorInfo([R, W], "float32");
    const all = { output: dqkv, inputs: given };
    runInParts(backend, programs.queryGradient, { ...all, ...callOf(sizes, H) }); // fills the queries' columns,
    runInParts(backend, programs.keyValueGradient, { ...all, ...callOf(sizes, K) }); // the others
    return dqkv;
  },

  JoinHeads: (backend, inputs, { time, headChannels }) => {
    const parts = take(inputs, "q", "k", "v");
    const { angles } = inputs;
    const D = Number(headChannels);
    const [R, queries] = matrix(parts[0]);
    const [, keys] = matrix(parts[1]);
    const qkv = backend.makeTensorInfo([R, queries + 2 * keys], "float32");
    parts.forEach((x, part) => {
      const { integers, ...size } = elementsOf(x, TURN_COST);
      runInParts(backend, angles === undefined ? JOIN.plain : JOIN.turned, {
        output: qkv,
        inputs: angles === undefined ? [x] : [x, angles],
        integers: [...integers, Number(time), queries / D, keys / D, D, part],
        ...size,
      });
    });
    return qkv;
  },

  SplitHeads: (backend, inputs, attributes) => {
    const [dqkv] = take(inputs, "dqkv");
    const { angles } = inputs;
    const { R, T, H, K, D } = sizesOf(dqkv, attributes);
    return [H, K, K].map((heads, part) => {
      const x = backend.makeTensorInfo([R, heads * D], "float32");
      const { integers, ...size } = elementsOf(x, TURN_COST);
      runInParts(backend, angles === undefined ? SPLIT.plain : SPLIT.turned, {
        output: x,
        inputs: angles === undefined ? [dqkv] : [dqkv, angles],
        integers: [...integers, T, H, K, D, part],
        ...size,
      });
      return x;
    });
  },
};
