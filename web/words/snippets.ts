import type { Recipe } from "../../core/protocol/schemas/recipe.ts";

/** A program that loads a version and uses it, to be copied as it is. */
export type Snippet = {
  readonly language: "Python" | "JavaScript";
  /** What has to be there first. */
  readonly needs: string;
  readonly text: string;
};

/**
 * Programs that read the safetensors file at `url`. A classifier answers for an input of ones, with its classes' scores; of any other
 * model the tensors are listed. `url` is a relay's own, and the recipe's numbers are numbers: no word of a stranger gets in.
 */
export function snippetsOf({ architecture }: Pick<Recipe, "architecture">, url: string): Snippet[] {
  const network =
    architecture.kind === "mlp"
      ? { inputs: architecture.inputs, last: architecture.hidden.length }
      : null;
  return [
    {
      language: "Python",
      needs: "Python 3 with numpy",
      text: pythonLoading(url) + (network === null ? PYTHON_LIST : pythonClassifier(network)),
    },
    {
      language: "JavaScript",
      needs: "Node 20, as a module",
      text: scriptLoading(url) + (network === null ? SCRIPT_LIST : scriptClassifier(network)),
    },
  ];
}

/** Numbers that a classifier takes, and the number of its last layer. */
type Network = { readonly inputs: number; readonly last: number };

const pythonLoading = (url: string) => `import json
import urllib.request
import numpy

data = urllib.request.urlopen(${JSON.stringify(url)}).read()
start = 8 + int.from_bytes(data[:8], "little")
header = json.loads(data[8:start])
about = header.pop("__metadata__")

def tensor(name):
    first, last = header[name]["data_offsets"]
    values = numpy.frombuffer(data[start + first : start + last], "<f4")
    return values.reshape(header[name]["shape"])

`;

const PYTHON_LIST = `print("version", about["number"])
for name in header:
    print(name, tensor(name).shape)
`;

const pythonClassifier = ({ inputs, last }: Network) => `def scores(x):
    for layer in range(${last + 1}):
        x = tensor(f"layers.{layer}.weight") @ x + tensor(f"layers.{layer}.bias")
        if layer < ${last}:
            x = numpy.maximum(x, 0)
    return x

x = numpy.ones(${inputs}, "f4")  # each from 0 to 1
print("version", about["number"], "answers", scores(x).argmax(), scores(x).tolist())
`;

const scriptLoading = (url: string) => `const answer = await fetch(${JSON.stringify(url)});
const data = await answer.arrayBuffer();
const start = 8 + Number(new DataView(data).getBigUint64(0, true));
const { __metadata__: about, ...header } = JSON.parse(
  new TextDecoder().decode(new Uint8Array(data, 8, start - 8)),
);

function tensor(name) {
  const [first, last] = header[name].data_offsets;
  return new Float32Array(data.slice(start + first, start + last));
}

`;

const SCRIPT_LIST = `console.log("version", about.number);
for (const name of Object.keys(header)) console.log(name, header[name].shape, tensor(name).length);
`;

const scriptClassifier = ({ inputs, last }: Network) => `function scores(x) {
  for (let layer = 0; layer <= ${last}; layer++) {
    const weight = tensor(\`layers.\${layer}.weight\`);
    const bias = tensor(\`layers.\${layer}.bias\`);
    const width = x.length;
    x = Array.from(bias, (b, row) =>
      x.reduce((sum, value, column) => sum + value * weight[row * width + column], b),
    );
    if (layer < ${last}) x = x.map((value) => Math.max(value, 0));
  }
  return x;
}

const result = scores(new Array(${inputs}).fill(1)); // each from 0 to 1
const best = result.indexOf(Math.max(...result));
console.log("version", about.number, "answers", best, JSON.stringify(result));
`;
