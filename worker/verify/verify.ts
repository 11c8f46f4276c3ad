import { HistoryError } from "../../core/history/history-fault.ts";
import { relaySource } from "../../core/history/history-source.ts";
import { verifyHistory } from "../../core/history/verify-history.ts";
import type { RelayClient } from "../../core/protocol/client.ts";
import type { VerifyApi } from "../api.ts";

/** What the page's button does: recompute a model's public record, from the relay that the page came from. */
export function createVerifier(client: RelayClient): VerifyApi {
  return {
    async verify({ model, pin }, onProgress) {
      try {
        const report = await verifyHistory(relaySource(client, model), { pin, onProgress });
        return { holds: true, ...report };
      } catch (error) {
        if (!(error instanceof HistoryError)) throw error;
        const { fault, version, message } = error;
        return { holds: false, fault, version, message };
      }
    },
  };
}
