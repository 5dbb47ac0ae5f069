import { z } from "zod";

/** The `encoding` field of formats that are text. */
export const encodingField = z
  .enum(["utf-8", "utf-16", "latin-1"])
  .default("utf-8")
  .describe("How characters are encoded when reading; a byte order mark decides. Files are written in UTF-8.");
