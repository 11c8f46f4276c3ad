import type { Piece, Snapshot } from "../worker/api.ts";

/** What a terminal prints of the step from one snapshot to the next. */
export function progressLines(before: Snapshot | null, now: Snapshot): string[] {
  const lines: string[] = [];
  if (now.contributor !== null && now.contributor !== before?.contributor) {
    lines.push(`Contributor ${now.contributor}`);
  }
  if (now.engine !== null && now.engine !== before?.engine) {
    lines.push(`Engine      ${now.engine} (${now.device})`);
  }
  for (const piece of [...now.pieces].reverse()) {
    const known = before?.pieces.find(({ id }) => id === piece.id);
    if (before !== null && known?.sent !== piece.sent) lines.push(pieceLine(piece));
  }
  const { phase, reason } = before ?? { phase: "ready", reason: null };
  if (now.phase !== phase || now.reason !== reason) lines.push(phaseLine(now));
  const loss = now.losses.at(-1);
  if (loss !== undefined && loss !== before?.losses.at(-1)) {
    const { step, lossNats } = loss;
    const speed = Math.round(now.examplesPerSecond);
    lines.push(`  step ${step}/${now.steps}  loss ${lossNats.toFixed(4)}  ${speed} examples/s`);
  }
  return lines;
}

function phaseLine({ phase, reason, base, shards }: Snapshot): string {
  if (phase === "training") return `Training on version ${base}: ${shards.join(", ")}`;
  if (phase === "judging") return "Checking others' work";
  const word = phase.charAt(0).toUpperCase() + phase.slice(1);
  return reason === null ? word : `${word}: ${reason}`;
}

function pieceLine({ id, sent, state, refusal, sizeBytes }: Piece): string {
  const name = `Piece ${id.slice(0, 12)}`;
  switch (sent) {
    case "waiting":
      return `${name} is done: ${sizeBytes} bytes, kept until the relay has them`;
    case "sent":
      return `${name} is with the relay: ${state}`;
    case "refused":
      return `${name} was refused: ${refusal?.message} (${refusal?.code})`;
  }
}
