import { visible } from "@sferic/operator/visible";
import type { SpecDocument } from "./document.ts";
import { fixOf, type Issue } from "./issue.ts";

/** Line width above which a frame shows only the part around the issue. */
const frameWidth = 160;

/**
 * An issue as text for people: message, place, the line with a caret under the range, the hint and how to fix it. Ends
 * without a line break. Secrets in the line are masked, control characters are written as escapes.
 */
export function formatIssue(issue: Issue, document: SpecDocument, options: { color?: boolean } = {}): string {
  const paint = options.color === true ? paints : plain;
  const tone = paint[issue.severity];
  const gutter = " ".repeat(String(issue.line).length);
  const { shown, pad, marks } = frame(issue, document);
  const hint = hintText(issue);
  const place = `${document.file ?? "<stdin>"}:${issue.line}:${issue.column}`;
  const bar = paint.dim("|");
  const lines = [
    `${tone(`${issue.severity}[${visible(issue.code)}]`)}: ${paint.bold(visible(issue.message, "\n"))}`,
    `${gutter}${paint.dim("-->")} ${visible(place)}${issue.pointer === "" ? "" : `  ${visible(issue.pointer)}`}`,
    `${gutter} ${bar}`,
    `${paint.dim(String(issue.line))} ${bar} ${shown}`,
    `${gutter} ${bar} ${pad}${tone(marks)}${hint === "" ? "" : ` ${visible(hint)}`}`,
  ];
  const fix = fixText(issue, document);
  if (fix !== null) lines.push(`${gutter} ${paint.dim("=")} fix: ${visible(fix)}`);
  return lines.map((line) => line.trimEnd()).join("\n");
}

function fixText(issue: Issue, { file }: SpecDocument): string | null {
  if (file !== null) return fixOf(issue) === null ? null : `sferic check --fix ${file}`;
  return issue.fix === null ? null : `write ${issue.fix.replace}`;
}

function hintText(issue: Issue): string {
  if (issue.hint === null) return "";
  return issue.code.startsWith("unknown-") ? `did you mean "${issue.hint}"?` : issue.hint;
}

/** The issue's line, cut when it is very long, with the space before the carets and the carets. */
function frame(issue: Issue, document: SpecDocument): { shown: string; pad: string; marks: string } {
  const all = charactersOf(document, issue.line);
  const column = issue.column - 1;
  const cut = Math.max(0, all.length > frameWidth ? column - frameWidth / 2 : 0);
  const line = all.slice(cut, cut + frameWidth).map((character) => visible(character, "\t"));
  const before = line.slice(0, column - cut);
  const range = line.slice(column - cut, column - cut + issue.length);
  return {
    shown: (cut > 0 ? "…" : "") + line.join(""),
    pad: (cut > 0 ? " " : "") + before.map((character) => (character === "\t" ? "\t" : blank(character))).join(""),
    marks: "^".repeat(Math.max(1, range.map(blank).join("").length)),
  };
}

/** The last line shown of each document: issues come by line, and lines can be long. */
const lastShown = new WeakMap<SpecDocument, { text: string; characters: string[] }>();

function charactersOf(document: SpecDocument, line: number): string[] {
  const text = document.shownLine(line);
  let last = lastShown.get(document);
  if (last?.text !== text) {
    last = { text, characters: Array.from(text) };
    lastShown.set(document, last);
  }
  return last.characters;
}

/** As many spaces as the character is wide in a terminal: none for marks, two for East Asian wide ones and emoji. */
function blank(character: string): string {
  if (character.startsWith("\\u")) return " ".repeat(character.length);
  if (/[\p{Mn}\p{Me}\p{Cf}]/u.test(character)) return "";
  const wide =
    /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\uFF01-\uFF60]/u;
  return wide.test(character) ? "  " : " ";
}

type Paint = (text: string) => string;
type Paints = Record<"error" | "warning" | "bold" | "dim", Paint>;

const same: Paint = (text) => text;
const plain: Paints = { error: same, warning: same, bold: same, dim: same };
const paints: Paints = {
  error: escape(31),
  warning: escape(33),
  bold: escape(1),
  dim: escape(2),
};

function escape(code: number): Paint {
  return (text) => `\u001B[${code}m${text}\u001B[0m`;
}
