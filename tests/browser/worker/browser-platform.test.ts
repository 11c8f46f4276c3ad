import { expect, test } from "vitest";
import { RelayError } from "../../../core/protocol/relay-error.ts";
import { browserPlatform } from "../../../worker/device/browser-platform.ts";
import { withPatience } from "../../../worker/run/patience.ts";

test("the browser's word that it is online again ends the wait for the relay", async () => {
  let asked = 0;
  const answer = await withPatience(
    async () => {
      if (++asked === 1) throw new RelayError("unreachable", "retry", "no answer", 86_400);
      return "here";
    },
    {
      platform: browserPlatform,
      signal: new AbortController().signal,
      onWait: () => setTimeout(() => dispatchEvent(new Event("online"))),
    },
  );
  expect(answer).toBe("here");
});
