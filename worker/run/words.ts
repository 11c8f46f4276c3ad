/** What the page says when things do not go on: one plain sentence each. */
import type { RelayError } from "../../core/protocol/relay-error.ts";
import type { TensorSize } from "../../core/training/footprint.ts";
import type { Phase } from "../api.ts";

/** An end that waiting does not cure; its message is the plain sentence that the page shows. */
export class StoppedError extends Error {
  override readonly name = "StoppedError";
}

export const WEBGPU_MISSING =
  "WebGPU does not work in this browser, so the processor trains: slower, and worth the same.";
export const describeFault = (fault: string): string =>
  `This graphics device failed its check (${fault}), so the processor trains: slower, and worth the same.`;
export const describeWrong = (fault: string): string =>
  `This graphics device computed wrong answers (${fault}), so the piece was thrown away and nothing was sent. Choose the processor in the settings.`;
export const DEVICE_BUSY =
  "This device is still busy with what was stopped, and goes on when that has ended. If it takes long, reload the page.";
export const DEVICE_LOST =
  "The graphics device went away while it was opened. Reload the page, or choose the processor in the settings.";
export const DEVICE_REOPENED = "The graphics device went away; it is opened again.";
export const JUDGING_FULL =
  "The graphics device ran out of memory while it judged. It is opened again and trains; this run judges no more.";
export const DEVICE_LOST_TWICE =
  "The graphics device went away twice in a row. Reload the page, or choose the processor in the settings.";
export const DEVICE_FULL =
  "The graphics device ran out of memory. Close other tabs and programs, or choose the processor in the settings.";
export const PROCESSOR_FULL =
  "The processor has no memory left for this model. Close other tabs and programs and reload the page, or choose a smaller model.";
export const THREAD_SILENT =
  "A part of the processor stopped answering, so nothing more is trained here. Reload the page.";
export const describeTooLarge = ({ name, sizeBytes }: TensorSize, maxBytes: number): string =>
  `This model does not fit on this device: ${name} takes ${megabytes(sizeBytes)}, and the device allows ${megabytes(maxBytes)}.`;
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
export const DIVERGED =
  "Training on this device gave values that are not numbers, so nothing was sent. Try the processor in the settings.";
export const PIECE_DAMAGED =
  "The relay has this piece's data damaged, so the piece is given up. Another one is asked for in half a minute.";
const counted = (count: number) => count.toLocaleString("en");
const ANOTHER_BEGINS = "so another piece is begun.";
export const BEGUN_DAMAGED = `What this device kept of the piece that was under way is damaged, ${ANOTHER_BEGINS}`;
export const BEGUN_FOREIGN = `The piece that was under way here is of another model, relay or key, ${ANOTHER_BEGINS}`;
export const BEGUN_EXPIRED = `The time for the piece that was under way here is over, ${ANOTHER_BEGINS}`;
export const BEGUN_ELSEWHERE = `The piece that was under way here was trained on another part of this device, ${ANOTHER_BEGINS}`;
/** Said of a piece that an earlier run left. */
export const describeGoingOn = (step: number, steps: number): string =>
  `It goes on at step ${counted(step)} of ${counted(steps)}, where it was left.`;
export const NO_FISHER_POLICY =
  "This model's recipe does not say how a mask is chosen, so there is nothing to train. Its maintainers can mend it.";
export const RELAY_KEY_CHANGED =
  "This relay has another key than at your first visit, so it may not be the same relay. No work is taken from it, and finished work is kept here. Ask its maintainers. If they say that the key was changed, forget this device's data in the settings, or start the terminal's volunteer with another --folder.";
export const OTHER_TAB =
  "Another tab of this browser trains, or sends its work. This one takes over when it ends.";

export const KEY_ERASED =
  "What this browser kept for the page was erased, and with it the key of the running piece, which can't be sent. Start again: a new key is made.";
export const STORE_SILENT =
  "This browser's storage does not answer. Close other tabs of this page, or restart the browser, and start again.";

/** A device that came to rest `afterMs` after it was told to; `isKept` if the piece outlives the page. */
export type Standstill = { readonly afterMs: number; readonly isKept: boolean };

/** What is done under a pause: a piece to judge, a piece of one's own, or nothing that could be lost. */
export type UnderPause = "judging" | "piece" | null;

/** What is said while paused; `rest` is null until the device has come to it. */
export function describePause(held: UnderPause, rest: Standstill | null): string {
  const sentences = ["You paused it."];
  if (held === "judging") {
    sentences.push(
      "The relay waits a minute for what it judges, and then gives it to somebody else.",
    );
  }
  if (held === "piece") {
    const where = rest?.isKept
      ? "on this device, also through a reload,"
      : "as long as this page is open,";
    sentences.push(`The running piece is kept ${where} and goes on where it stopped.`);
  }
  if (rest !== null) {
    sentences.push(`The device came to rest after ${(rest.afterMs / 1000).toFixed(1)} s.`);
  }
  return sentences.join(" ");
}

/** Why the relay is asked again later, as phase and reason. */
export function describeWait(error: RelayError): [Phase, string] {
  switch (error.code) {
    case "unreachable":
      return [
        "offline",
        "The relay can't be reached. Finished work is kept here and sent as soon as it answers.",
      ];
    case "rate-limited":
      return [
        "no-work",
        "Work went out faster than it can be checked. The relay is asked again in a moment.",
      ];
    case "clock-skew":
      return [
        "offline",
        "This device's clock is more than five minutes off, so the relay can't trust its requests. Set the clock.",
      ];
    case "storage-full":
      return ["offline", "The relay's disk is full. Finished work is kept here until it has room."];
    case "blob-damaged":
    case "checkpoint-damaged":
      return ["offline", "The relay sent damaged data, which was thrown away. It is asked again."];
    default:
      return ["offline", `The relay can't answer now (${error.message}). It is asked again.`];
  }
}

/** Why the browser's store can't be used, by the name of IndexedDB's error. */
export function describeStoreFault(error: unknown): string {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  switch (name) {
    case "QuotaExceededError":
      return "This device has no room left to keep finished work. Free some space and start again.";
    case "VersionError":
    case "NotFoundError":
      return "A newer page has changed what this browser keeps. Reload this page; finished work is kept.";
    case "SecurityError":
    case "InvalidStateError":
    case "UnknownError":
      return "This browser does not let the page keep finished work on this device. Allow it to store data, leave private browsing, or free some space, and start again.";
    default:
      return `What this browser keeps can't be opened (${message}). Reload this page.`;
  }
}

/** Why the volunteer stopped, for an error that waiting does not cure. */
export function describeStop(error: unknown): string {
  if (!(error instanceof Error)) return `Something went wrong: ${String(error)}.`;
  if (error instanceof StoppedError) return error.message;
  if ("code" in error && error.code === "outdated") {
    return "This page is older than the relay. Reload it; finished work is kept.";
  }
  if ("code" in error && error.code === "banned") {
    return `A maintainer of this relay takes no work of this browser's key any more: ${error.message}`;
  }
  if (error.name === "DeviceLostError") return DEVICE_LOST;
  if (error.name === "DeviceMemoryError") return DEVICE_FULL;
  if (error.name === "HostMemoryError") return PROCESSOR_FULL;
  if (error.name === "ThreadSilentError") return THREAD_SILENT;
  if (error.name === "DeviceWrongError") return describeWrong(error.message);
  if (error.name === "DeviceFaultError") {
    return `The graphics device refused to compute (${error.message}). Choose the processor in the settings.`;
  }
  if (error.name === "QuotaExceededError" || error.name === "UnknownError") {
    return describeStoreFault(error); // the latter is IndexedDB's word for a disk that fails
  }
  return `Something went wrong: ${error.message}.`;
}

/** Why a version can't be tried. */
export function describeTrialFault(error: unknown): string {
  if (!(error instanceof Error)) return `Something went wrong: ${String(error)}.`;
  if (error instanceof StoppedError) return error.message;
  if (error.name === "HostMemoryError") return PROCESSOR_FULL;
  const code = "code" in error ? error.code : null;
  switch (code) {
    case "unreachable":
      return "The relay can't be reached, and this version is not kept on this device. It can be tried as soon as the relay is back.";
    case "blob-damaged":
    case "checkpoint-damaged":
      return "The relay sent damaged data, which was thrown away.";
    case "outdated":
      return "This page is older than the relay. Reload it.";
    default:
      return `This version could not be loaded: ${error.message}.`;
  }
}
