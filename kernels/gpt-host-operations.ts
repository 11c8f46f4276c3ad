import { util } from "@tensorflow/tfjs-core";
import { type HostOperation, matrix, pair } from "./host-operations.ts";

/** The operations of core/models/gpt-operations.ts; outputs are made before any array is taken. */
export const GPT_HOST_OPERATIONS: Readonly<Record<string, HostOperation>> = {
  Embed: ({ tensor, floats, integers, make, attributes, bodies }) => {
    const R = util.sizeFromShape(tensor("tokens").shape);
    const [, C] = matrix(tensor("wte"));
    const x = make([R, C]);
    const sizes = { C, T: Number(attributes.time) };
    bodies.embed(floats(x), integers("tokens"), floats("wte"), floats("wpe"), sizes);
    return x;
  },

  SampledEmbedding: ({ tensor, floats, integers, attributes, bodies }) => {
    const [, C] = matrix(tensor("dx"));
    const sizes = { ...pair(attributes), C, T: Number(attributes.time) };
    const at = {
      tokens: integers("tokens"),
      dx: floats("dx"),
      normal: floats("normal"),
      dlogits: floats("dlogits"),
    };
    bodies.sampledEmbedding(floats("gradient"), at, integers("positions"), sizes);
    return [];
  },

  LayerNorm: ({ tensor, floats, make, bodies }) => {
    const y = make(matrix(tensor("x")));
    bodies.layerNorm(floats(y), floats("x"), floats("weight"), floats("bias"));
    return y;
  },

  LayerNormInputGradient: ({ tensor, has, floats, make, bodies }) => {
    const dx = make(matrix(tensor("x")));
    const residual = has("residual") ? floats("residual") : null;
    bodies.layerNormInputGradient(
      floats(dx),
      floats("dy"),
      floats("x"),
      floats("weight"),
      residual,
    );
    return dx;
  },

  SampledNorm: ({ tensor, floats, integers, attributes, bodies }) => {
    const [R, C] = matrix(tensor("x"));
    const sizes = { ...pair(attributes), R, C };
    const positions = integers("positions");
    bodies.sampledNorm(floats("gradient"), floats("x"), floats("dy"), positions, sizes);
    return [];
  },

  CausalAttention: ({ tensor, floats, make, attributes, bodies }) => {
    const [R, wide] = matrix(tensor("qkv"));
    const sizes = { R, C: wide / 3, T: Number(attributes.time), H: Number(attributes.heads) };
    const mixed = make([R, sizes.C]);
    const logSums = make([R, sizes.H]);
    bodies.causalAttention(floats(mixed), floats(logSums), floats("qkv"), sizes);
    return [mixed, logSums];
  },

  CausalAttentionGradient: ({ tensor, floats, make, attributes, bodies }) => {
    const [R, C] = matrix(tensor("dy"));
    const sizes = { R, C, T: Number(attributes.time), H: Number(attributes.heads) };
    const dqkv = make([R, 3 * C]);
    bodies.causalAttentionGradient(
      floats(dqkv),
      floats("dy"),
      floats("qkv"),
      floats("mixed"),
      floats("logSums"),
      sizes,
    );
    return dqkv;
  },

  Gelu: ({ tensor, floats, make, bodies }) => {
    const y = make(matrix(tensor("x")));
    bodies.gelu(floats(y), floats("x"));
    return y;
  },

  GeluInputGradient: ({ tensor, floats, make, bodies }) => {
    const dx = make(matrix(tensor("x")));
    bodies.geluInputGradient(floats(dx), floats("dy"), floats("x"));
    return dx;
  },
};
