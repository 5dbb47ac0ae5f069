/** A time in UTC: milliseconds since 1970, and the nanoseconds within the millisecond's second. */
export interface Instant {
  readonly ms: number;
  /** 0 to 999,999,999. */
  readonly nanoseconds: number;
}

const isoTime = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?(Z|[+-]\d\d:?\d\d)?)?$/;

/**
 * Reads an ISO 8601 date or time; without a zone it is UTC, missing parts are zero. Undefined when the text is neither,
 * or names a day or time that does not exist.
 */
export function parseTime(text: string): Instant | undefined {
  const match = isoTime.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const date = new Date(Date.UTC(year, month - 1, day));
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || hour > 23 || minute > 59 || second > 59) return undefined;
  const local = date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000;
  return { ms: local - zoneMs(match[8]), nanoseconds: Number((match[7] ?? "").padEnd(9, "0")) };
}

function zoneMs(zone: string | undefined): number {
  if (zone === undefined || zone === "Z") return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return (zone.startsWith("-") ? -1 : 1) * minutes * 60_000;
}

const pad = (value: number, width: number): string => String(value).padStart(width, "0");

/** The directives of POSIX strftime that a pattern may hold, and `%f`: microseconds, as in Python. Always in UTC. */
const directives: Readonly<Record<string, (date: Date, instant: Instant) => string>> = {
  Y: (date) => pad(date.getUTCFullYear(), 4),
  y: (date) => pad(date.getUTCFullYear() % 100, 2),
  m: (date) => pad(date.getUTCMonth() + 1, 2),
  d: (date) => pad(date.getUTCDate(), 2),
  j: (date) => pad(dayOfYear(date), 3),
  H: (date) => pad(date.getUTCHours(), 2),
  M: (date) => pad(date.getUTCMinutes(), 2),
  S: (date) => pad(date.getUTCSeconds(), 2),
  f: (_, instant) => pad(Math.floor(instant.nanoseconds / 1000), 6),
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  F: (date, instant) => formatTime(instant, "%Y-%m-%d"),
  T: (date, instant) => formatTime(instant, "%H:%M:%S"),
  "%": () => "%",
};

function dayOfYear(date: Date): number {
  const start = new Date(date);
  start.setUTCMonth(0, 1);
  return Math.round((date.getTime() - start.getTime()) / 86_400_000) + 1;
}

/** The directives that {@link formatTime} knows, as `%Y, %m, …`. */
export const knownDirectives = Object.keys(directives)
  .map((letter) => `%${letter}`)
  .join(", ");

/** Places of directives that {@link formatTime} does not know, as offsets into the pattern. */
export function unknownDirectives(pattern: string): { directive: string; offset: number }[] {
  return [...pattern.matchAll(/%(.?)/gsu)]
    .filter((match) => !Object.hasOwn(directives, match[1]!))
    .map((match) => ({ directive: match[0], offset: match.index }));
}

/** The time by a strftime pattern, in UTC; unknown directives stay as they are. */
export function formatTime(instant: Instant, pattern: string): string {
  const date = new Date(instant.ms);
  return pattern.replaceAll(/%(.?)/gsu, (whole, letter: string) =>
    Object.hasOwn(directives, letter) ? directives[letter]!(date, instant) : whole,
  );
}
