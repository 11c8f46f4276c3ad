import { InvalidArgumentError, Option } from "commander";
import { tagRequest } from "../core/protocol/schemas/admin.ts";
import { hash, modelId, publicKey } from "../core/protocol/schemas/primitives.ts";

/** Options that several commands share; each is checked before the command runs. */

/** The relay of a command whose model's address may say it. */
export const relayWish = (meaning = "the relay, such as https://example.org") =>
  new Option("--relay <URL>", meaning).env("COMMONWEIGHT_RELAY").argParser(parseRelay);

export const relayOption = () => relayWish().makeOptionMandatory();

/** The relay that an address names, or the one of --relay. Throws where there is neither. */
export function relayAt(named: string | null, { relay }: { readonly relay?: string }): string {
  const baseUrl = named ?? relay;
  if (baseUrl !== undefined) return baseUrl;
  throw new Error("--relay or COMMONWEIGHT_RELAY says which relay, such as https://example.org.");
}

export const dataDirOption = () =>
  new Option("--data-dir <FOLDER>", "the relay's data folder").env("DATA_DIR").default("./data");

export const modelOption = () =>
  new Option("--model <NAME>", "the model, such as digits")
    .argParser(parseModel)
    .makeOptionMandatory();

export const reasonOption = (readers: string) =>
  new Option("--reason <TEXT>", `why, for ${readers} to read`)
    .argParser((text) => {
      if (text.trim() === "") throw new InvalidArgumentError("It is a sentence that says why.");
      return text;
    })
    .makeOptionMandatory();

/** A relay's address, which may lie in a folder of its host, without the last slash. */
function parseRelay(text: string): string {
  if (!URL.canParse(text) || !/^https?:/.test(text)) {
    throw new InvalidArgumentError("It is the relay's address, such as https://example.org.");
  }
  const { origin, pathname } = new URL(text);
  return (origin + pathname).replace(/\/+$/, "");
}

export function parseModel(text: string): string {
  return checked(modelId, text, "It is a model's name, such as digits.");
}

export function parseContribution(text: string): string {
  return checked(hash, text, "It is a contribution's id, 64 hexadecimal digits.");
}

export function parseContributor(text: string): string {
  return checked(publicKey, text, "It is a contributor's key, 64 hexadecimal digits.");
}

export function parseRelayKey(text: string): string {
  return checked(publicKey, text, "It is a relay's key, 64 hexadecimal digits.");
}

export function parseTag(text: string): string {
  return checked(tagRequest.shape.tag, text, "It is a semantic version, such as 1.0.0.");
}

export function parseVersionNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) {
    throw new InvalidArgumentError("It is a version's number, such as 12.");
  }
  return Number(text);
}

export function parsePositive(text: string): number {
  if (!/^[1-9][0-9]{0,5}$/.test(text)) {
    throw new InvalidArgumentError("It is a whole number, 1 or more.");
  }
  return Number(text);
}

function checked(
  schema: { safeParse(value: unknown): { success: boolean } },
  text: string,
  meaning: string,
): string {
  if (!schema.safeParse(text).success) throw new InvalidArgumentError(meaning);
  return text;
}
