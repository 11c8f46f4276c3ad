import { encodeCanonical } from "../../core/protocol/canonical-json.ts";
import { type ExportFile, textFile } from "../export-file.ts";
import type { FileDigest } from "./in-toto.ts";
import { type Release, releasedAt } from "./release.ts";

const MODEL_REF = "model";
const DATA_REF = "data";
/** Of SPDX's list; any other licence is named in words. */
const SPDX = new Set([
  ...["Apache-2.0", "MIT", "BSD-3-Clause", "CC0-1.0", "CC-BY-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0"],
  ...["CC-BY-NC-4.0", "ODbL-1.0", "GPL-3.0-only", "AGPL-3.0-only"],
]);

/**
 * What the release is made of, as a CycloneDX 1.6 ML-BOM: the weights, the data with each shard, licences, and who contributed, by
 * key. Source: https://cyclonedx.org/docs/1.6/json/.
 */
export function billOfMaterials(release: Release, weights: FileDigest): ExportFile {
  const { recipe, acts, id, layout, record, shares } = release;
  const { base } = recipe;
  return textFile("bom.cdx.json", {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      timestamp: releasedAt(release),
      component: {
        type: "machine-learning-model",
        "bom-ref": MODEL_REF,
        name: recipe.id,
        version: acts.tag,
        description: recipe.summary,
        authors: shares.map(({ contributor }) => ({ name: contributor })),
        hashes: [{ alg: "SHA-256", content: weights.sha256 }],
        licenses: licences(recipe.licence),
        ...(base === undefined
          ? {}
          : { pedigree: { ancestors: [{ type: "machine-learning-model", name: base }] } }),
        modelCard: modelCard(release),
        properties: [
          property("version", record.number),
          property("version-id", id),
          property("checkpoint", record.checkpoint),
          property("relay-key", record.relayKey),
          property("recipe", acts.recipe),
          property("parameters", layout.size),
          ...shares.map(({ contributor, contributions }) =>
            property(`contributions:${contributor}`, contributions),
          ),
        ],
      },
    },
    components: dataOf(release).map(({ ref, source, licence, first, shards }) => ({
      type: "data",
      "bom-ref": ref,
      name: source,
      licenses: licences(licence),
      data: [{ type: "dataset", name: source }],
      components: shards.map(({ title, sha256, examples }, i) => ({
        type: "data",
        "bom-ref": `shard-${first + i}`,
        name: title,
        hashes: [{ alg: "SHA-256", content: sha256 }],
        licenses: licences(licence),
        data: [{ type: "dataset", name: title }],
        properties: [property("examples", examples)],
      })),
    })),
    dependencies: [{ ref: MODEL_REF, dependsOn: dataOf(release).map(({ ref }) => ref) }],
  });
}

/** The data that the model began with, and what came later and before the version, each with its shards. */
function dataOf({ recipe, record, laterData, shards }: Release) {
  const later = laterData.filter(({ since }) => since < record.number);
  const parts = [{ ...recipe.data, first: 0 }, ...later];
  return parts.map(({ source, licence, first }, i) => ({
    ref: i === 0 ? DATA_REF : `${DATA_REF}-${i}`,
    source,
    licence,
    first,
    shards: shards.slice(first, parts[i + 1]?.first),
  }));
}

function modelCard(release: Release): unknown {
  const { architecture, intendedUse, limits, data } = release.recipe;
  const { report } = release.record.evaluation;
  const { kind } = architecture;
  const slice = `${report.examples} held-out examples`;
  return {
    modelParameters: {
      approach: { type: data.classes === undefined ? "self-supervised" : "supervised" },
      architectureFamily: kind,
      modelArchitecture: new TextDecoder().decode(encodeCanonical(architecture)),
      datasets: dataOf(release).map(({ ref }) => ({ ref })),
    },
    quantitativeAnalysis: {
      performanceMetrics: [
        { type: "loss in nats", value: String(report.lossNats), slice },
        { type: "accuracy", value: String(report.accuracy), slice },
      ],
    },
    considerations: {
      ...(intendedUse === undefined ? {} : { useCases: [intendedUse] }),
      ...(limits === undefined ? {} : { technicalLimitations: [limits] }),
    },
  };
}

function licences(name: string): unknown[] {
  return [{ license: SPDX.has(name) ? { id: name } : { name } }];
}

function property(name: string, value: string | number) {
  return { name: `commonweight:${name}`, value: String(value) };
}
