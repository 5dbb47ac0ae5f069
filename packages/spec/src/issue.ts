import { Lines } from "./lines.ts";

/** A problem found in a spec: what `check --json` prints and what the HTTP API and editors get. */
export interface Issue {
  /** Stable, kebab-case. */
  code: string;
  severity: "error" | "warning";
  message: string;
  /** JSON pointer of the value it is about; the empty string is the whole spec. */
  pointer: string;
  /** Counts from 1. */
  line: number;
  /** Characters (code points) from 1; a byte order mark does not count. */
  column: number;
  /** Characters from the column on, at least 1 and never past the end of the line, save at that end itself. */
  length: number;
  /** For a code that begins with `unknown-` the name that was probably meant, otherwise advice in words. */
  hint: string | null;
  /** What to put in place of the range to make it right; null also when that holds a secret, see {@link fixOf}. */
  fix: { replace: string } | null;
}

const hiddenFixes = new WeakMap<Issue, string>();

/** An issue whose fix is applied but not shown. */
export function withHiddenFix(issue: Issue, replace: string): Issue {
  hiddenFixes.set(issue, replace);
  return issue;
}

/** What to put in place of an issue's range, also when that may not be shown; null when nothing is known to be right. */
export function fixOf(issue: Issue): string | null {
  return issue.fix?.replace ?? hiddenFixes.get(issue) ?? null;
}

/** The issues by place: line, column, then code. Does not change its argument. */
export function sortIssues(issues: readonly Issue[]): Issue[] {
  return issues.toSorted(
    (a, b) => a.line - b.line || a.column - b.column || (a.code < b.code ? -1 : Number(a.code > b.code)),
  );
}

/**
 * The text with the fix of every issue that has one. Of fixes that overlap the first is taken: check the result again.
 * The issues must come from this very text.
 */
export function applyFixes(text: string, issues: readonly Issue[]): string {
  const lines = new Lines(text);
  let result = "";
  let done = 0;
  for (const issue of sortIssues(issues)) {
    const fix = fixOf(issue);
    if (fix === null) continue;
    const start = lines.offset(issue);
    if (start < done) continue;
    result += text.slice(done, start) + fix;
    done = lines.offset(issue, issue.length);
  }
  return result + text.slice(done);
}
