import { expect, test } from "vitest";
import { recordedTerminal } from "./testing/recorded-terminal.ts";

test("data and notes go to streams of their own", () => {
  const { terminal, out, err } = recordedTerminal();
  terminal.printJson({ a: 1 });
  terminal.note("working");
  expect([out.text, err.text]).toEqual(['{"a":1}\n', "working\n"]);
});

test("colours and redrawing are for terminals only", () => {
  const { terminal } = recordedTerminal();
  expect([terminal.paintOut("red", "x"), terminal.colorErr, terminal.live]).toEqual(["x", false, false]);
  const { terminal: tty } = recordedTerminal({ isTTY: true });
  expect([tty.paintOut("red", "x"), tty.colorErr, tty.live]).toEqual(["\u001B[31mx\u001B[39m", true, true]);
});

test.each([
  [{ NO_COLOR: "1" }, false, true],
  [{ NO_COLOR: "" }, true, true],
  [{ TERM: "dumb" }, false, false],
  [{ CI: "true" }, true, false],
])("%j means colours %s, redrawing %s", (environment, colors, live) => {
  const { terminal } = recordedTerminal({ isTTY: true, environment });
  expect([terminal.colorOut, terminal.live]).toEqual([colors, live]);
});
