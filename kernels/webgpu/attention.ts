import type { Program } from "./program.ts";
import { THREADS } from "./programs.ts";

// R rows (batch × time), T time, C channels, H heads, D channels per head

/**
 * The programs of causal attention for heads of D channels: one thread a row and head, neighbours at
 * neighbouring times of the same head, so that they read the same keys at the same moment. The softmax is
 * made anew from its log-sums wherever it is needed, so nothing of size T × T is kept; every sum is one
 * thread's, in order.
 */
export function attentionPrograms(D: number): {
  logSums: Program;
  mixed: Program;
  queryGradient: Program;
  keyValueGradient: Program;
} {
  const integers = ["items", "time", "channels", "heads", "firstGroup"];
  const program = (name: string, inputs: string[], body: string): Program => ({
    name: `commonweight_attention_${name}_${D}`,
    inputs,
    integers,
    workgroupSize: THREADS,
    code: `${READ(D)}
      fn main(index : i32) {
        let item = index + uniforms.firstGroup * ${THREADS};
        if (item >= uniforms.items) { return; }
        let t = item % uniforms.time;
        let head = (item / uniforms.time) % uniforms.heads;
        let sequence = (item / uniforms.time / uniforms.heads) * uniforms.time; // its first row
        let row = sequence + t;
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
    ),
  };
}

/** Where a row's query (part 0), key (1) or value (2) of a head begins, and q·k / √D. */
const READ = (D: number) => `
  fn columnOf(row : i32, part : i32, head : i32) -> i32 {
    return (row * 3 + part) * uniforms.channels + head * ${D};
  }
  fn scoreOf(queryRow : i32, keyRow : i32, head : i32) -> f32 {
    let query = columnOf(queryRow, 0, head);
    let key = columnOf(keyRow, 1, head);
    var dot = 0.0;
    for (var d = 0; d < ${D}; d++) { dot += qkv[query + d] * qkv[key + d]; }
    return dot * ${1 / Math.sqrt(D)};
  }`;

/** result [R, H]: log Σ exp(score) over the keys up to the row's own, rescaled as larger scores come. */
const LOG_SUMS = `
        var most = scoreOf(row, sequence, head);
        var sum = 1.0;
        for (var s = sequence + 1; s <= row; s++) {
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
        for (var s = sequence; s <= row; s++) {
          let weight = exp(scoreOf(row, s, head) - logSum);
          let value = columnOf(s, 2, head);
          for (var d = 0; d < ${D}; d++) { sums[d] += weight * qkv[value + d]; }
        }
        let out = row * uniforms.channels + head * ${D};
        for (var d = 0; d < ${D}; d++) { result[out + d] = sums[d]; }`;

/** The queries' columns of result [R, 3C]. */
const QUERY_GRADIENT = (D: number) => `
        let logSum = logSums[row * uniforms.heads + head];
        let out = row * uniforms.channels + head * ${D};
        var mean = 0.0; // Σ weight · dweight over the keys, which is dy · mixed
        for (var d = 0; d < ${D}; d++) { mean += dy[out + d] * mixed[out + d]; }
        var sums : array<f32, ${D}>;
        for (var s = sequence; s <= row; s++) {
          let weight = exp(scoreOf(row, s, head) - logSum);
          let key = columnOf(s, 1, head);
          let value = columnOf(s, 2, head);
          var dweight = 0.0;
          for (var d = 0; d < ${D}; d++) { dweight += dy[out + d] * qkv[value + d]; }
          let dscore = weight * (dweight - mean) * ${1 / Math.sqrt(D)};
          for (var d = 0; d < ${D}; d++) { sums[d] += dscore * qkv[key + d]; }
        }
        let query = columnOf(row, 0, head);
        for (var d = 0; d < ${D}; d++) { result[query + d] = sums[d]; }`;

/** The keys' and values' columns of result [R, 3C]: the row's key and value, seen by the queries after it. */
const KEY_VALUE_GRADIENT = (D: number) => `
        let key = columnOf(row, 1, head);
        let value = columnOf(row, 2, head);
        var keySums : array<f32, ${D}>;
        var valueSums : array<f32, ${D}>;
        for (var q = row; q < sequence + uniforms.time; q++) {
          let weight = exp(scoreOf(q, row, head) - logSums[q * uniforms.heads + head]);
          let at = q * uniforms.channels + head * ${D};
          var difference = 0.0; // dweight − mean = dy · (value − mixed)
          for (var d = 0; d < ${D}; d++) {
            difference += dy[at + d] * (qkv[value + d] - mixed[at + d]);
            valueSums[d] += weight * dy[at + d];
          }
          let dscore = weight * difference * ${1 / Math.sqrt(D)};
          let query = columnOf(q, 0, head);
          for (var d = 0; d < ${D}; d++) { keySums[d] += dscore * qkv[query + d]; }
        }
        for (var d = 0; d < ${D}; d++) {
          result[key + d] = keySums[d];
          result[value + d] = valueSums[d];
        }`;
