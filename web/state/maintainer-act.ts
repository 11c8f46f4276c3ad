import type { Maintainer } from "../../core/protocol/maintainer-client.ts";
import type { RevertAnswer, RevertOutlook } from "../../core/protocol/schemas/previews.ts";
import {
  banLines,
  modelLines,
  revertLines,
  tagLines,
  unbanLines,
} from "../words/maintainer-acts.ts";
import { plural, shortId } from "../words/quantities.ts";

/** What an act would do, in sentences. */
export type ActOutlook = {
  readonly lines: readonly string[];
  /** What the gate says against it: the maintainer must insist. */
  readonly objection?: string | null;
  /** A release's number, as the evidence proposes it; the maintainer may write a higher one. */
  readonly number?: string;
};

/** What a maintainer decides in the dialog. */
export type ActWish = {
  readonly reason: string;
  readonly insist: boolean;
  readonly number: string;
};

/** Something that a maintainer may do: first looked at, then done for a reason, and undone where that can be. */
export type MaintainerAct = {
  readonly title: string;
  readonly button: string;
  look(signal: AbortSignal): Promise<ActOutlook>;
  /** What became of it, in a sentence. */
  perform(wish: ActWish, signal: AbortSignal): Promise<string>;
  /** What takes it back; a sentence where nothing does. */
  readonly undo: ((done: ActWish) => MaintainerAct) | string;
};

const POLL_MS = 1000; // a replay and a gate take seconds

export function pauseAct(acts: Maintainer, model: string): MaintainerAct {
  return {
    title: `Pause ${model}`,
    button: "Pause",
    look: async (signal) => ({
      lines: modelLines(await acts.previewModel(model, { signal }), true),
    }),
    async perform({ reason }, signal) {
      await acts.pause({ model, reason }, { signal });
      return `${model} is paused: no work is given out and nothing is merged.`;
    },
    undo: () => resumeAct(acts, model),
  };
}

export function resumeAct(acts: Maintainer, model: string): MaintainerAct {
  return {
    title: `Go on with ${model}`,
    button: "Go on",
    look: async (signal) => ({
      lines: modelLines(await acts.previewModel(model, { signal }), false),
    }),
    async perform({ reason }, signal) {
      await acts.resume({ model, reason }, { signal });
      return `${model} goes on: work is given out and merged again.`;
    },
    undo: () => pauseAct(acts, model),
  };
}

export function banAct(acts: Maintainer, contributor: string): MaintainerAct {
  return {
    title: `Ban ${shortId(contributor)}`,
    button: "Ban",
    look: async (signal) => ({ lines: banLines(await acts.previewBan(contributor, { signal })) }),
    async perform({ reason }, signal) {
      const { refused } = await acts.ban({ contributor, reason }, { signal });
      return `No work of ${shortId(contributor)} is taken any more; ${plural(refused, "patch", "patches")} that waited refused.`;
    },
    undo: () => unbanAct(acts, contributor),
  };
}

export function unbanAct(acts: Maintainer, contributor: string): MaintainerAct {
  return {
    title: `Take work of ${shortId(contributor)} again`,
    button: "Take it again",
    look: async (signal) => ({ lines: unbanLines(await acts.previewBan(contributor, { signal })) }),
    async perform({ reason }, signal) {
      await acts.unban({ contributor, reason }, { signal });
      return `Work of ${shortId(contributor)} is taken again.`;
    },
    undo: () => banAct(acts, contributor),
  };
}

export function blankNameAct(acts: Maintainer, contributor: string): MaintainerAct {
  return {
    title: `Take the name of ${shortId(contributor)} away`,
    button: "Take it away",
    look: async () => ({
      lines: [
        "Every page shows the key's first digits in place of the name.",
        "The contributor can choose no name until you allow it again. Work and credit stay.",
      ],
    }),
    async perform({ reason }, signal) {
      await acts.blankName({ contributor, reason }, { signal });
      return `${shortId(contributor)} has no name any more.`;
    },
    undo: () => unblankNameAct(acts, contributor),
  };
}

export function unblankNameAct(acts: Maintainer, contributor: string): MaintainerAct {
  return {
    title: `Allow ${shortId(contributor)} a name again`,
    button: "Allow it",
    look: async () => ({
      lines: ["The contributor can choose a name again. The old one does not come back by itself."],
    }),
    async perform({ reason }, signal) {
      await acts.unblankName({ contributor, reason }, { signal });
      return `${shortId(contributor)} may choose a name again.`;
    },
    undo: () => blankNameAct(acts, contributor),
  };
}

export function tagAct(acts: Maintainer, model: string, version: number): MaintainerAct {
  return {
    title: `Release version ${version} of ${model}`,
    button: "Release",
    async look(signal) {
      const preview = await acts.previewTag({ model, version }, { signal });
      return { lines: tagLines(preview), number: preview.proposed };
    },
    async perform({ reason, number }, signal) {
      await acts.tag({ model, version, tag: number, reason }, { signal });
      return `Version ${version} of ${model} is release ${number}.`;
    },
    undo: ({ number }) => untagAct(acts, model, { version, number }),
  };
}

function untagAct(
  acts: Maintainer,
  model: string,
  { version, number }: { readonly version: number; readonly number: string },
): MaintainerAct {
  return {
    title: `Take release ${number} of ${model} back`,
    button: "Take it back",
    look: async () => ({
      lines: [
        "The number stays taken, and the signed history says that the release was taken back.",
        "Candidates are compared with the release before it.",
      ],
    }),
    async perform({ reason }, signal) {
      await acts.untag({ model, tag: number, reason }, { signal });
      return `Version ${version} of ${model} is release ${number} no more.`;
    },
    undo: "A number names one version for good. Release the version again under another number.",
  };
}

export function revertAct(acts: Maintainer, model: string, contribution: string): MaintainerAct {
  return {
    title: `Take patch ${shortId(contribution)} out of ${model}`,
    button: "Take it out",
    async look(signal) {
      const outlook = await outlookOf(
        () => acts.previewRevert({ model, contribution }, { signal }),
        signal,
      );
      return { lines: revertLines(outlook), objection: outlook.objection };
    },
    async perform({ reason, insist }, signal) {
      let status = await acts.requestRevert({ model, contribution, reason, insist }, { signal });
      while (status.state === "waiting") {
        await rest(signal);
        status = await acts.revert(contribution, { signal });
      }
      if (status.state === "refused") return `It stays in ${model}: ${status.message}.`;
      return `Version ${status.version} of ${model} is without patch ${shortId(contribution)}.`;
    },
    undo: "A patch that was taken out is not merged again. Its contributor can send new work.",
  };
}

/** Ask until the relay knows. Throws where it cannot find out. */
async function outlookOf(
  ask: () => Promise<RevertAnswer>,
  signal: AbortSignal,
): Promise<RevertOutlook> {
  for (;;) {
    const answer = await ask();
    if (answer.state === "ready") return answer.outlook;
    if (answer.state === "failed") throw new Error(`It cannot be taken out: ${answer.message}.`);
    await rest(signal);
  }
}

/** Rejects with the signal's reason once the dialog is closed. */
function rest(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, POLL_MS);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        reject(signal.reason);
      },
      { once: true },
    );
  });
}
