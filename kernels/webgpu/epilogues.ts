/** What is done to a finished sum at [row, column] before it is stored; `sum` in and out. */
export type Epilogue = {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly code: string;
};

export const EPILOGUES = {
  none: { name: "none", inputs: [], code: "" },
  relu: { name: "relu", inputs: [], code: "sum = max(sum, 0.0);" },
  bias: { name: "bias", inputs: ["bias"], code: "sum += bias[column];" },
  residual: {
    name: "residual",
    inputs: ["residual"],
    code: "sum += residual[row * uniforms.columns + column];",
  },
  biasResidual: {
    name: "biasResidual",
    inputs: ["bias", "residual"],
    code: "sum += bias[column] + residual[row * uniforms.columns + column];",
  },
  biasRelu: { name: "biasRelu", inputs: ["bias"], code: "sum = max(sum + bias[column], 0.0);" },
  gateResidual: {
    name: "gateResidual",
    inputs: ["x", "residual"],
    code: `let at = row * uniforms.columns + column;
            sum = select(0.0, sum, x[at] > 0.0) + residual[at];`,
  },
  gate: {
    name: "gate",
    inputs: ["x"],
    code: "sum = select(0.0, sum, x[row * uniforms.columns + column] > 0.0);",
  },
} as const satisfies Record<string, Epilogue>;
