import { allowedNats } from "../core/gate/allowed-nats.ts";
import { shareInterval } from "../core/gate/share-interval.ts";
import { isHubName } from "../core/models/hub-name.ts";
import type { Recipe } from "../core/protocol/schemas/recipe.ts";
import type { Metrics, VersionRecord } from "../core/protocol/schemas/version.ts";
import type { ExportedVersion } from "./exported-version.ts";

/** What a model does, as the hub and transformers name it. */
type Task =
  | "text-generation"
  | "text-classification"
  | "image-classification"
  | "tabular-classification";

const RELAY = "https://RELAY"; // where a card does not know which: the reader does

/** README.md as the hub reads it: YAML for its search, then words for people. */
export function modelCardText(version: ExportedVersion): string {
  const { recipe, record, id, relay, lineage, contributors } = version;
  const { report } = record.evaluation;
  const place = `${relay ?? RELAY}/${recipe.id}`;
  return `${[
    "---",
    ...Object.entries(hubFields(version)).map(
      ([name, value]) => `${name}: ${JSON.stringify(value)}`,
    ), // JSON is YAML
    "---",
    "",
    `# ${recipe.title}, version ${record.number}`,
    "",
    recipe.summary,
    "",
    ...section("Intended use", recipe.intendedUse),
    ...section("Limits", recipe.limits),
    ...section("Contributions that are welcome", recipe.welcome),
    record.number === 0
      ? "Nobody has trained this version: it is the base that a community begins with."
      : `${contributors} people trained this model together, in ${record.number} versions, each of which was shown to be no worse than the one before.`,
    "A contributor is known by a key that they made for it; the history names the keys of every version.",
    ...namesText(version.names),
    "",
    "| | |",
    "|---|---|",
    `| data | ${cell(recipe.data.source)} (${cell(recipe.data.licence)}) |`,
    ...laterDataRows(version),
    `| licence | ${cell(recipe.licence)} |`,
    `| parameters | ${version.layout.size} |`,
    `| loss on ${report.examples} held-out examples | ${report.lossNats.toFixed(4)} nats |`,
    `| right on them | ${(100 * report.accuracy).toFixed(2)}%, 95% interval ${intervalText(report)} |`,
    "",
    "## Use",
    "",
    useText(recipe),
    "",
    "## Lineage",
    "",
    "| | |",
    "|---|---|",
    `| model | ${place} |`,
    ...(recipe.base === undefined ? [] : [`| began with | ${cell(recipe.base)} |`]),
    ...lineage.map(
      ({ url, model, number, id: from, licence }) =>
        `| forked from | ${url}/${model}@${number}: \`${from}\` (${cell(licence)}) |`,
    ),
    `| version | ${record.number}: \`${id}\` |`,
    `| its parent | ${record.parent === null ? "none: the base that the community began with" : `\`${record.parent}\``} |`,
    `| checkpoint in f32 | \`${record.checkpoint}\` |`,
    `| signed by the relay | \`${record.relayKey}\` |`,
    "",
    `\`npx commonweight log ${place}\` lists every version with the patches in it.`,
    "",
    "## How it was gated",
    "",
    gateText(recipe, record),
    "",
    "## Verify",
    "",
    "Anybody can recompute this version from public bytes, trusting nobody:",
    "",
    `    npx commonweight verify ${place}@${record.number} --full`,
    "",
    ...(relay === null
      ? [`${RELAY} stands for the address of the relay that you have this file from.`, ""]
      : []),
  ].join("\n")}`;
}

function namesText(names: readonly string[]): string[] {
  if (names.length === 0) return ["Nobody is named here."];
  return [`Named are those who chose a name: ${names.map(plainWords).join(", ")}.`];
}

/** Data that volunteers may have trained on before this version. */
function laterDataRows({ laterData, record }: ExportedVersion): string[] {
  return laterData
    .filter(({ since }) => since < record.number)
    .map(({ source, licence, examples, since }) => {
      return `| data since version ${since} | ${cell(source)} (${cell(licence)}), ${examples} examples |`;
    });
}

function intervalText(report: Metrics): string {
  const { low, high } = shareInterval(report);
  return [low, high].map((share) => `${(100 * share).toFixed(2)}%`).join(" to ");
}

function section(heading: string, words: string | undefined): string[] {
  return words === undefined ? [] : [`## ${heading}`, "", words, ""];
}

/** The fields that the hub searches by. Source: its model card specification. */
function hubFields({ recipe, record }: ExportedVersion): Record<string, unknown> {
  const { report } = record.evaluation;
  const { examples, lossNats, accuracy } = report;
  const task = taskOf(recipe);
  const licence = spdxOnHub(recipe.licence);
  const isText = task === "text-generation";
  const results = [
    ...(isText ? [{ type: "perplexity", value: Math.exp(lossNats) }] : []),
    { type: "accuracy", value: accuracy, name: `accuracy, 95% interval ${intervalText(report)}` },
  ];
  const dataset = {
    type: recipe.id,
    name: `${examples} held-out examples of: ${recipe.data.source}`,
  };
  return {
    license: licence,
    ...(licence === "other" ? { license_name: recipe.licence } : {}),
    ...(isHubName(recipe.base ?? "") ? { base_model: recipe.base } : {}),
    ...(recipe.architecture.kind === "mlp" ? {} : { library_name: "transformers" }),
    pipeline_tag: task,
    tags: ["commonweight", "community-trained"],
    metrics: results.map(({ type }) => type),
    "model-index": [
      { name: recipe.title, results: [{ task: { type: task }, dataset, metrics: results }] },
    ],
  };
}

const CLASSIFIED = {
  image: "image-classification",
  table: "tabular-classification",
  words: "text-classification",
} as const;

function taskOf({ architecture, data }: Recipe): Task {
  switch (architecture.kind) {
    case "gpt":
      return "text-generation";
    case "transformer":
      return architecture.head.kind === "tokens" ? "text-generation" : "image-classification";
    case "mlp":
      return CLASSIFIED[data.inputs?.kind ?? "image"]; // recipes from before inputs were described are of images
  }
}

/** The tests that let this version through, as its signed record has them. */
function gateText({ gate }: Recipe, { evaluation, parent }: VersionRecord): string {
  if (parent === null) return "This is the base: no version was before it.";
  const passed = evaluation.gate;
  if (passed === null) return "A maintainer published this version without the gate's consent.";
  const rule = `A version is published when tests on held-out examples show that it is worse by less than ${gate.marginNats} nats, at an error rate of ${gate.alpha}.`;
  const tests = (passed.tests ?? []).map((test) => {
    const { suite, against, version, examples, meanDifferenceNats, logEvidence, passAt } = test;
    const margin = allowedNats(test, { gate }, []); // of older records of contributed suites it is not known here
    const below = margin === null ? "" : `+${margin}`;
    return `| ${suite} | ${against}, version ${version} | ${examples} | ${signed(meanDifferenceNats)} | ${below} | ${logEvidence.toFixed(2)} ≥ ${passAt.toFixed(2)} |`;
  });
  if (tests.length === 0) {
    return `${rule} This one changed the loss by ${signed(passed.meanDifferenceNats)} nats on ${passed.examples} of them.`;
  }
  const head = [
    `| suite | against | examples | change of loss, nats | below, at ${Number((100 * (1 - gate.alpha)).toPrecision(4))}% | evidence |`,
    "|---|---|---|---|---|---|",
  ];
  return [rule, "", ...head, ...tests].join("\n");
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(5)}`;
}

function useText(recipe: Recipe): string {
  if (recipe.architecture.kind === "mlp") return mlpUse(recipe);
  return taskOf(recipe) === "text-generation" ? TEXT_USE : IMAGE_USE;
}

const TEXT_USE = `    from transformers import AutoModelForCausalLM, AutoTokenizer
    tokenizer = AutoTokenizer.from_pretrained(".")
    model = AutoModelForCausalLM.from_pretrained(".")
    ids = tokenizer("To the ", return_tensors="pt").input_ids
    print(tokenizer.decode(model.generate(ids, max_new_tokens=60)[0]))`;

const IMAGE_USE = `    from PIL import Image
    from transformers import AutoImageProcessor, AutoModelForImageClassification
    processor = AutoImageProcessor.from_pretrained(".")
    model = AutoModelForImageClassification.from_pretrained(".")
    logits = model(**processor(Image.open("picture.png"), return_tensors="pt")).logits
    print(model.config.id2label[logits.argmax(-1).item()])`;

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

/** Somebody's words, of which nothing is markup. */
function plainWords(text: string): string {
  return cell(text).replaceAll(/[\\`*_[\]()<>#!~]/g, "\\$&");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
