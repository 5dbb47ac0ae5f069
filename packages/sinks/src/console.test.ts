import { describeSink } from "@sferic/testkit";
import { afterEach, beforeEach, vi } from "vitest";
import { console } from "./console.ts";

let printed = "";

beforeEach(() => {
  printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});

describeSink({
  arrange: () => {
    printed = "";
    return Promise.resolve();
  },
  definition: console,
  config: { format: { type: "json" } },
  visible: () => Promise.resolve(printed.split("\n").filter((line) => line !== "")),
});
