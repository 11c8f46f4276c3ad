const HUB_NAME = /^[\w-][\w.-]*\/[\w.-]+$/; // owner/name; a folder's name alone the hub would take for a page that is not there

/** Whether a model that a community began with is named as the hub of transformers names its models. */
export function isHubName(base: string): boolean {
  return HUB_NAME.test(base);
}
