import { type ExportFile, textFile } from "../export-file.ts";
import { type Release, releasedAt } from "./release.ts";

/** How to cite the release. Source: Citation File Format 1.2.0, https://citation-file-format.github.io. */
export function citationFile(release: Release): ExportFile {
  const { recipe, acts, id, record } = release;
  const fields = {
    "cff-version": "1.2.0",
    message: "If you use this model, please cite it as below.",
    type: "dataset",
    title: recipe.title,
    abstract: recipe.summary,
    version: acts.tag,
    "date-released": releasedAt(release).slice(0, "2026-01-01".length),
    authors: [{ name: `Contributors of ${recipe.title}` }],
    identifiers: [
      { type: "other", value: id, description: `Commonweight version ${record.number}` },
    ],
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return textFile("CITATION.cff", `${lines.join("\n")}\n`); // JSON is YAML
}
