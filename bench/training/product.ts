import "@tensorflow/tfjs-backend-webgpu";
import { fill, matMul, slice, type Tensor } from "@tensorflow/tfjs-core";
import { linear } from "../../core/models/operations.ts";
import { openBackend } from "../../kernels/backend.ts";
import { type Clock, type Contestant, contestantOf, type Entry } from "./contestant.ts";
import { PRODUCT_SIDE } from "./product-size.ts";

/** A step is a product of two square matrices, by our operation or by tfjs's. */
export async function openProduct(
  { contestant, backend }: Entry,
  clock: Clock,
): Promise<Contestant> {
  await openBackend({ prefer: backend === "webgpu" ? "webgpu" : "cpu" });
  const a = fill([PRODUCT_SIDE, PRODUCT_SIDE], 1 / PRODUCT_SIDE);
  const multiply = () =>
    contestant === "product, ours"
      ? linear(a, a, null, { orientation: "in-out", relu: false })
      : matMul(a, a);
  let product: Tensor | null = null;
  return contestantOf(
    clock,
    () => {
      product?.dispose();
      product = multiply();
    },
    async () => {
      if (product === null) return Number.NaN;
      const corner = slice(product, [0, 0], [1, 1]);
      const [value = Number.NaN] = await corner.data();
      corner.dispose();
      return value;
    },
  );
}
