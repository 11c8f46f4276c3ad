import { describe, expect, test } from "vitest";
import {
  expectClose,
  randomTokens,
  randomValues,
} from "../../tests/reference/finite-differences.ts";
import { type HostBodies, plainBodies } from "../host-bodies.ts";
import { createSimdBodies } from "./simd-bodies.ts";
import { assembleSimdModule, type SimdExports } from "./simd-module.ts";

/** What the tests use of WebAssembly. */
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer };
    instantiate(
      bytes: Uint8Array<ArrayBuffer>,
      imports: object,
    ): Promise<{ instance: { exports: unknown } }>;
  };
};

/** The bodies in a memory of their own, whose arrays `make` gives out one behind the other. */
async function open(relaxed: boolean) {
  const memory = new WebAssembly.Memory({ initial: 100 });
  const bytes = assembleSimdModule({ relaxed, shared: false });
  const { instance } = await WebAssembly.instantiate(bytes, { host: { memory } });
  let end = 8;
  const allocate = (size: number) => {
    const at = end;
    end += Math.ceil(size / 8) * 8;
    return at;
  };
  const heap = { memory, allocate, free: () => {} };
  return {
    bodies: createSimdBodies(instance.exports as SimdExports, heap),
    make: (values: ArrayLike<number>) => {
      const array = new Float32Array(memory.buffer, allocate(4 * values.length), values.length);
      array.set(values);
      return array;
    },
  };
}

describe.each([true, false])("relaxed SIMD %s", (relaxed) => {
  test.each([1, 4, 7, 1000])(
    "activations and their gradients of %i values equal f64's",
    async (size) => {
      const { bodies, make } = await open(relaxed);
      const x = Float32Array.from(randomValues("x", size, 20));
      const dy = Float32Array.from(randomValues("dy", size));
      const [y, dx] = [make(new Float32Array(size)), make(new Float32Array(size))];
      const [wantedY, wantedDx] = [new Float32Array(size), new Float32Array(size)];
      for (const form of ["tanh", "exact"] as const) {
        plainBodies.gelu(wantedY, x, { form });
        plainBodies.geluInputGradient(wantedDx, dy, x, { form });
        bodies.gelu(y, make(x), { form });
        bodies.geluInputGradient(dx, make(dy), make(x), { form });
        expectClose(`gelu ${form}`, y, wantedY, 3e-7);
        expectClose(`gelu ${form}: gradient`, dx, wantedDx, 3e-6);
      }
      const [up, dup] = [make(x.map((value) => value / 7)), make(new Float32Array(size))];
      const wantedDup = new Float32Array(size);
      plainBodies.swiglu(wantedY, x, up);
      plainBodies.swigluGradient(wantedDx, wantedDup, dy, x, up);
      bodies.swiglu(y, make(x), up);
      bodies.swigluGradient(dx, dup, make(dy), make(x), up);
      expectClose("swiglu", y, wantedY, 3e-7);
      expectClose("swiglu: gradient", dx, wantedDx, 3e-6);
      expectClose("swiglu: gradient of up", dup, wantedDup, 3e-6);
    },
  );

  test.each([10, 256, 1001])(
    "cross-entropy over %i classes equals f64's, far logits too",
    async (C) => {
      const R = 37;
      const logits = Float32Array.from(randomValues("logits", R * C, 60));
      const targets = randomTokens("targets", R, C);
      const { bodies, make } = await open(relaxed);
      const weights = Float32Array.from(targets, (_, r) => (r % 3) / R);
      const run = (of: HostBodies, place: (values: Float32Array) => Float32Array) => {
        const [losses, scored] = [place(new Float32Array(R)), place(new Float32Array(R))];
        const right = place(new Float32Array(R));
        const dlogits = place(new Float32Array(R * C));
        of.crossEntropy(losses, dlogits, place(logits), targets, place(weights));
        of.scoreLogits(scored, right, place(logits), targets);
        return { losses, scored, right, dlogits };
      };
      const wanted = run(plainBodies, (values) => values.slice());
      const given = run(bodies, make);
      expectClose("losses", given.losses, wanted.losses, 3e-7);
      expectClose("scores", given.scored, wanted.scored, 3e-7);
      expect(Float32Array.from(given.right)).toEqual(wanted.right);
      expectClose("dlogits", given.dlogits, wanted.dlogits, 1e-6);
    },
  );

  test("products equal f64's where no row or column is whole vectors", async () => {
    const { bodies, make } = await open(relaxed);
    const [R, I, O] = [7, 13, 11];
    const x = Float32Array.from(randomValues("x", R * I));
    const weight = Float32Array.from(randomValues("weight", I * O));
    const bias = Float32Array.from(randomValues("bias", O));
    for (const orientation of ["in-out", "out-in"] as const) {
      const sizes = { R, I, O, orientation, relu: false };
      const [y, wanted] = [make(new Float32Array(R * O)), new Float32Array(R * O)];
      plainBodies.linear(wanted, x, weight, bias, null, sizes);
      bodies.linear(y, make(x), make(weight), make(bias), null, sizes);
      expectClose(orientation, y, wanted, 1e-6);
    }
  });

  test("what is not a number stays so, and is never taken for 0", async () => {
    const { bodies, make } = await open(relaxed);
    const y = make(new Float32Array(4));
    for (const form of ["tanh", "exact"] as const) {
      bodies.gelu(y, make([Number.NaN, -100, 100, 0]), { form });
      expect(y[0]).toBeNaN();
      expectClose("the others", y.subarray(1), [0, 100, 0], 1e-30);
    }
  });
});
