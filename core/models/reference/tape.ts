/** A value and the gradient that reaches it, both flat. */
export type Node = { readonly value: Float64Array; readonly gradient: Float64Array };

/** What was computed, in order, so that gradients can go the way back: reverse-mode differentiation of whole arrays. */
export type Tape = {
  leaf(value: Float64Array): Node;
  /** A value made of others; `back` adds to their gradients from its own. */
  record(value: Float64Array, back: (gradient: Float64Array) => void): Node;
  /** Begin with `gradient` at `node` and go back to the leaves. */
  backward(node: Node, gradient: Float64Array): void;
};

export function createTape(): Tape {
  const steps: (() => void)[] = [];
  const leaf = (value: Float64Array): Node => ({ value, gradient: new Float64Array(value.length) });
  return {
    leaf,
    record(value, back) {
      const node = leaf(value);
      steps.push(() => back(node.gradient));
      return node;
    },
    backward(node, gradient) {
      addTo(node, gradient);
      for (const step of steps.toReversed()) step();
    },
  };
}

/** node.gradient += gradient */
export function addTo({ gradient: sum }: Node, gradient: Float64Array): void {
  for (let p = 0; p < sum.length; p++) sum[p]! += gradient[p]!;
}
