import type { Attachment } from "svelte/attachments";

/**
 * An element's text that survives the browser's translation: a translator puts elements of its own in place of text
 * nodes, and whatever still wrote to those would write to nothing.
 */
export const says =
  (text: string): Attachment<HTMLElement> =>
  (element) => {
    element.textContent = text;
  };
