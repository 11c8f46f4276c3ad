import type { Maintainer } from "../../core/protocol/maintainer-client.ts";
import type { SuiteLife } from "../../core/protocol/schemas/suite.ts";
import { suiteOutlook } from "../words/suites.ts";
import type { MaintainerAct } from "./maintainer-act.ts";

/** What a maintainer can decide about a suite, where it stands now. */
export function suiteActsOf(acts: Maintainer, suite: SuiteLife): MaintainerAct[] {
  if (suite.state === "waiting") return [acceptSuiteAct(acts, suite), refuseSuiteAct(acts, suite)];
  return suite.state === "accepted" ? [withdrawSuiteAct(acts, suite)] : [];
}

function acceptSuiteAct(acts: Maintainer, suite: SuiteLife): MaintainerAct {
  const { model, name } = suite.header;
  return {
    title: `Let the gate of ${model} test on ${name}`,
    button: "Accept",
    look: async () => ({ lines: suiteOutlook(suite) }),
    async perform({ reason }, signal) {
      await acts.acceptSuite({ model, suite: suite.id, reason }, { signal });
      return `The gate of ${model} tests on ${name} from now on.`;
    },
    undo: () => withdrawSuiteAct(acts, suite),
  };
}

function refuseSuiteAct(acts: Maintainer, suite: SuiteLife): MaintainerAct {
  const { model, name } = suite.header;
  return {
    title: `Refuse the suite ${name}`,
    button: "Refuse",
    look: async () => ({ lines: suiteOutlook(suite) }),
    async perform({ reason }, signal) {
      await acts.refuseSuite({ model, suite: suite.id, reason }, { signal });
      return `${name} is refused, and its file deleted.`;
    },
    undo: "Its contributor can propose another file.",
  };
}

function withdrawSuiteAct(acts: Maintainer, suite: SuiteLife): MaintainerAct {
  const { model, name } = suite.header;
  return {
    title: `Let the gate of ${model} not test on ${name} any more`,
    button: "Withdraw",
    look: async () => ({
      lines: [
        "Versions that were tested on it stay as they are. The signed history says that it was withdrawn.",
      ],
    }),
    async perform({ reason }, signal) {
      await acts.withdrawSuite({ model, suite: suite.id, reason }, { signal });
      return `The gate of ${model} does not test on ${name} any more.`;
    },
    undo: "A name is one suite's for good. Its examples can be proposed under another one.",
  };
}
