import type { Recipe } from "../core/protocol/schemas/recipe.ts";
import type { VersionRecord } from "../core/protocol/schemas/version.ts";
import type { Layout } from "../core/tensors/layout.ts";

/** A version to be written down, verified by the caller. */
export type ExportedVersion = {
  readonly recipe: Recipe;
  readonly layout: Layout;
  /** [N] */
  readonly parameters: Float32Array;
  readonly record: VersionRecord;
  /** The version's own hash. */
  readonly id: string;
  /** Where it was read. */
  readonly relay: string;
  /** How many people's work is in it. */
  readonly contributors: number;
};

/** README.md as the hub reads it: YAML for its search, then words for people. */
export function modelCardText(version: ExportedVersion): string {
  const { recipe, record, id, relay, contributors } = version;
  const { report } = record.evaluation;
  const isText = recipe.architecture.kind !== "mlp";
  const yaml = {
    license: spdxOnHub(recipe.licence),
    ...(spdxOnHub(recipe.licence) === "other" ? { license_name: recipe.licence } : {}),
    ...(isText ? { library_name: "transformers", pipeline_tag: "text-generation" } : {}),
    tags: ["commonweight", "community-trained"],
    metrics: isText ? ["perplexity", "accuracy"] : ["accuracy"],
  };
  const place = `${relay}/${recipe.id}@${record.number}`;
  return `${[
    "---",
    ...Object.entries(yaml).map(([name, value]) => `${name}: ${JSON.stringify(value)}`), // JSON is YAML
    "---",
    "",
    `# ${recipe.title}, version ${record.number}`,
    "",
    recipe.summary,
    "",
    `${contributors} people trained this model together, in ${record.number} versions, each of which was shown to be no worse than the one before.`,
    "",
    "| | |",
    "|---|---|",
    `| data | ${cell(recipe.data.source)} (${cell(recipe.data.licence)}) |`,
    `| licence | ${cell(recipe.licence)} |`,
    `| loss on ${report.examples} held-out examples | ${report.lossNats.toFixed(4)} nats |`,
    `| right on them | ${(100 * report.accuracy).toFixed(2)}% |`,
    `| gate | worse by less than ${recipe.gate.marginNats} nats, at an error rate of ${recipe.gate.alpha} |`,
    `| version | \`${id}\` |`,
    `| checkpoint in f32 | \`${record.checkpoint}\` |`,
    `| signed by the relay | \`${record.relayKey}\` |`,
    "",
    "## Use",
    "",
    isText ? TEXT_USE : mlpUse(recipe),
    "",
    "## Verify",
    "",
    "Anybody can recompute this version from public bytes, trusting nobody:",
    "",
    `    npx commonweight verify ${place} --full`,
    "",
  ].join("\n")}`;
}

const TEXT_USE = `    from transformers import AutoModelForCausalLM, AutoTokenizer
    tokenizer = AutoTokenizer.from_pretrained(".")
    model = AutoModelForCausalLM.from_pretrained(".")
    ids = tokenizer("To the ", return_tensors="pt").input_ids
    print(tokenizer.decode(model.generate(ids, max_new_tokens=60)[0]))`;

/** A classifier is no class of transformers': eight lines of PyTorch are. */
function mlpUse({ architecture, data }: Recipe): string {
  const layers = architecture.kind === "mlp" ? architecture.hidden.length + 1 : 0;
  const classes =
    data.classes === undefined
      ? ""
      : `\n\nClasses, in the order of the outputs: ${data.classes.join(", ")}.`;
  return `    import torch
    from safetensors.torch import load_file
    weights = load_file("model.safetensors")
    def classify(x):  # [batch, inputs] in 0…1; config.json says what they are
        for layer in range(${layers}):
            x = torch.nn.functional.linear(x, weights[f"layers.{layer}.weight"], weights[f"layers.{layer}.bias"])
            if layer < ${layers - 1}:
                x = torch.relu(x)
        return x.softmax(-1)${classes}`;
}

const HUB_LICENCES = ["Apache-2.0", "MIT", "CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0"];

/** The hub spells SPDX's names in small letters. */
function spdxOnHub(licence: string): string {
  return HUB_LICENCES.includes(licence) ? licence.toLowerCase() : "other";
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
