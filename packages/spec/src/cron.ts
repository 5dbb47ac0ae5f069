/** What is wrong in a cron expression, and where in its text. */
export interface CronProblem {
  readonly message: string;
  readonly offset: number;
  readonly length: number;
}

const months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const weekdays = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const fields: readonly Field[] = [
  { name: "minute", min: 0, max: 59 },
  { name: "hour", min: 0, max: 23 },
  { name: "day of the month", min: 1, max: 31 },
  { name: "month", min: 1, max: 12, names: months },
  { name: "day of the week", min: 0, max: 7, names: weekdays },
];

/**
 * Problems of a cron expression as POSIX crontab(5) has it: five fields of `*`, numbers, ranges and lists, with `/n`
 * steps and English three-letter names for months and weekdays; 0 and 7 are Sunday.
 */
export function cronProblems(text: string): CronProblem[] {
  const words = [...text.matchAll(/\S+/g)];
  if (words.length !== fields.length) {
    const message = `a schedule has five fields (minute, hour, day, month, weekday), this one has ${words.length}`;
    return [{ message, offset: 0, length: text.length }];
  }
  return words.flatMap((word, index) => {
    const field = fields[index]!;
    const wrong = word[0].split(",").find((item) => !isItem(item, field));
    if (wrong === undefined) return [];
    const message = `"${wrong}" is not a ${field.name}: it takes *, ${field.min} to ${field.max}, a-b, a,b or /n`;
    return [{ message, offset: word.index, length: word[0].length }];
  });
}

function isItem(item: string, field: Field): boolean {
  const match = /^(?:\*|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(item);
  if (match === null || Number(match[3] ?? 1) === 0) return false;
  const start = match[1] === undefined ? field.min : valueOf(match[1], field);
  const end = match[2] === undefined ? start : valueOf(match[2], field);
  return start >= field.min && start <= end && end <= field.max;
}

function valueOf(word: string, field: Field): number {
  const named = field.names?.indexOf(word.toUpperCase()) ?? -1;
  if (named >= 0) return named + field.min;
  return /^\d+$/.test(word) ? Number(word) : Number.NaN;
}
