/** Quantities as people read them. English alone, so that what a test reads is what a visitor reads. */

const whole = new Intl.NumberFormat("en");

export const formatCount = (value: number): string => whole.format(Math.round(value));

/** A share 0…1 with `digits` decimals: 0.9143 → "91.4%". */
export const formatPercent = (share: number, digits = 1): string =>
  `${(share * 100).toFixed(digits)}%`;

/** A share 0…1 that is a setting or a rough size, without idle zeros: 0.02 → "2%", 0.005 → "0.5%". */
export const formatShare = (share: number): string => `${Number((share * 100).toPrecision(3))}%`;

/** A change of a share in percentage points, signed with a true minus. */
export const formatPoints = (difference: number): string => {
  const points = (Math.abs(difference) * 100).toFixed(2);
  return `${sign(difference, points)}${points}`;
};

export const formatLoss = (lossNats: number): string => lossNats.toFixed(lossNats < 1 ? 3 : 2);

/** A change of loss in nats, signed. */
export const formatLossChange = (differenceNats: number): string => {
  const size = Math.abs(differenceNats).toFixed(4);
  return `${sign(differenceNats, size)}${size}`;
};

const sign = (value: number, shown: string): string =>
  Number(shown) === 0 ? "±" : value < 0 ? "−" : "+";

export function formatBytes(sizeBytes: number): string {
  if (sizeBytes < 1000) return `${sizeBytes} B`;
  if (sizeBytes < 1_000_000) return `${(sizeBytes / 1000).toFixed(sizeBytes < 10_000 ? 1 : 0)} kB`;
  if (sizeBytes < 10_000_000_000) {
    return `${(sizeBytes / 1_000_000).toFixed(sizeBytes < 10_000_000 ? 1 : 0)} MB`;
  }
  return `${formatCount(sizeBytes / 1_000_000_000)} GB`;
}

/** A span of time by its largest unit: "8 s", "3 min", "5 h", "2 days". */
export function formatSpan(spanMs: number): string {
  const seconds = Math.max(0, Math.round(spanMs / 1000));
  if (seconds < 1) return "under 1 s";
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  if (hours < 36) return `${hours} h`;
  const days = Math.round(hours / 24);
  return `${days} days`;
}

/** A cost in time, exact enough to compare: 0.034 → "0.034 s", 2.41 → "2.4 s". */
export const formatSeconds = (seconds: number): string =>
  `${seconds < 10 ? Number(seconds.toPrecision(2)) : formatCount(seconds)} s`;

/** A moment of this day as the clock on the wall shows it: "12:03". */
export const formatTime = (atMs: number): string =>
  new Date(atMs).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });

/** How long before `nowMs` something happened; clocks may differ, so the future is "just now". */
export function formatAge(atMs: number, nowMs: number): string {
  return nowMs - atMs < 5_000 ? "just now" : `${formatSpan(nowMs - atMs)} ago`;
}

/** The first eight digits name a key or an id well enough on a page; the title shows all. */
export const shortId = (id: string): string => id.slice(0, 8);

/** What a contributor is called: by the chosen name, or else by the key. */
export const calledBy = (contributor: string, name: string | null): string =>
  name ?? shortId(contributor);

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${formatCount(count)} ${Math.round(count) === 1 ? one : many}`;
