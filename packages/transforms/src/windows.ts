import type { WindowSpan } from "@sferic/bindings/windows";
import { ConfigError, durationField, parseDuration, type Schema } from "@sferic/operator";
import { z } from "zod";

/** Configuration of the windows that rows belong to by their event time. */
export const windowField = z
  .strictObject({
    column: z.string().describe("Column with the event time, a timestamp."),
    size: durationField.optional().describe("Length of a window, such as 30 seconds."),
    slide: durationField
      .optional()
      .describe("From the start of a window to that of the next one; the size by default."),
    offset: durationField.optional().describe("Starts are counted from 1970 and this; none by default."),
    gap: durationField.optional().describe("A session ends when no row came for this long; in place of a size."),
  })
  .refine(({ size, gap }) => (size === undefined) !== (gap === undefined), "needs either a size or a gap")
  .refine(
    ({ slide, offset, gap }) => gap === undefined || (slide === undefined && offset === undefined),
    "a session has neither slide nor offset",
  );

export type WindowConfig = z.output<typeof windowField>;

/** The windows as the core has them. Throws {@link ConfigError} for lengths that make no windows. */
export function spanOf({ size, slide, offset, gap }: WindowConfig): WindowSpan {
  const positive = (field: string, text: string): number => {
    const ms = parseDuration(text);
    if (ms > 0) return ms;
    throw wrong(field, `"${text}" is no time at all; a window needs at least 1 ms`);
  };
  if (gap !== undefined) return { gapMs: positive("gap", gap) };
  const sizeMs = positive("size", size!);
  const slideMs = slide === undefined ? sizeMs : positive("slide", slide);
  if (slideMs > sizeMs) throw wrong("slide", `rows between windows would be lost; at most the size, "${size}"`);
  return { sizeMs, slideMs, offsetMs: offset === undefined ? 0 : parseDuration(offset) };
}

/** Type of the start and end of windows over this column. Throws {@link ConfigError} when it is no timestamp. */
export function windowTimeType(schema: Schema, { column }: Pick<WindowConfig, "column">): string {
  const { type } = schema.requireOne(column, "time", "/window/column").column(column)!;
  if (!type.startsWith("timestamp[")) throw wrong("column", `"${column}" is ${type}; windows need a timestamp`);
  return type.replace(/^timestamp\[s\b/, "timestamp[ms");
}

function wrong(field: string, message: string): ConfigError {
  return new ConfigError([{ code: "invalid-window", message, pointer: `/window/${field}` }]);
}
