/** One end of lines, in bytes a second. */
export type LineEnd = { readonly upRate: number; readonly downRate: number };

/** Bytes on their way from one end to another. */
export type Transfer = {
  readonly from: LineEnd;
  readonly to: LineEnd;
  /** Seconds: when the first byte can go. */
  readonly startsAt: number;
  /** Hears when the last byte came. */
  readonly onDone: (atSeconds: number) => void;
  bytesLeft: number;
};

/** A network without losses, whose ends share what they send and take fairly among their transfers. */
export type Transfers = {
  add(transfer: Transfer): void;
  /** Stop a transfer; what went is gone. */
  cancel(transfer: Transfer): void;
  /** Move all on by `seconds` until `now`. */
  advance(now: number, seconds: number): void;
};

/** A transfer that moves, and its bytes a second. */
type Flow = { readonly transfer: Transfer; rate: number };

export function createTransfers(): Transfers {
  const transfers = new Set<Transfer>();
  return {
    add: (transfer) => void transfers.add(transfer),
    cancel: (transfer) => void transfers.delete(transfer),
    advance(now, seconds) {
      const flows: Flow[] = [];
      for (const transfer of transfers) {
        if (transfer.startsAt < now) flows.push({ transfer, rate: transfer.to.downRate });
      }
      shareLines(flows);
      for (const { transfer, rate } of flows) {
        if (!transfers.has(transfer)) continue; // another one's end stopped it
        const from = Math.max(now - seconds, transfer.startsAt);
        const doneAt = from + transfer.bytesLeft / rate;
        transfer.bytesLeft = Math.max(0, transfer.bytesLeft - rate * (now - from));
        if (doneAt > now) continue;
        transfers.delete(transfer);
        transfer.onDone(doneAt);
      }
    },
  };
}

/**
 * Nearly max-min: senders share among their transfers, takers among what is sent to them. Once more, since a sender has more
 * for others where a taker takes less.
 */
function shareLines(flows: readonly Flow[]): void {
  const senders = groupBy(flows, ({ transfer }) => transfer.from);
  const takers = groupBy(flows, ({ transfer }) => transfer.to);
  for (const [end, sent] of senders) fill(sent, end.upRate);
  const offered = flows.map(({ rate }) => rate);
  for (const [end, taken] of takers) fill(taken, end.downRate);
  for (const [i, flow] of flows.entries()) {
    if (flow.rate === offered[i]) flow.rate = flow.transfer.to.downRate;
  }
  for (const [end, sent] of senders) fill(sent, end.upRate);
  for (const [end, taken] of takers) fill(taken, end.downRate);
}

/** Lower the rates of `flows` to the highest common bound under which they sum up to `capacity` at most. */
function fill(flows: readonly Flow[], capacity: number): void {
  let bound = capacity / flows.length;
  for (;;) {
    let [left, large] = [capacity, 0];
    for (const { rate } of flows) {
      if (rate > bound) large++;
      else left -= rate;
    }
    const next = large === 0 ? bound : left / large;
    if (large === 0 || next <= bound) break;
    bound = next;
  }
  for (const flow of flows) flow.rate = Math.min(flow.rate, bound);
}

function groupBy(flows: readonly Flow[], endOf: (flow: Flow) => LineEnd): Map<LineEnd, Flow[]> {
  const groups = new Map<LineEnd, Flow[]>();
  for (const flow of flows) {
    const end = endOf(flow);
    const group = groups.get(end);
    if (group === undefined) groups.set(end, [flow]);
    else group.push(flow);
  }
  return groups;
}
