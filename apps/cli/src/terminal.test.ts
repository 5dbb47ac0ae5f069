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
  const { terminal: tty, err } = recordedTerminal({ isTTY: true });
  tty.note(tty.paintErr("bold", `a ${tty.paintErr("red", "x")}`));
  expect([err.text, tty.colorErr, tty.live]).toEqual(["\u001B[1ma \u001B[31mx\u001B[39m\u001B[22m\n", true, true]);
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

test("what comes from data reaches no terminal as a control character", () => {
  const { terminal, out, err } = recordedTerminal({ isTTY: true });
  const data = "a\u001B]0;title\u0007\u001B[2Jb\tc\r\u007F\u009B31m\u202Ed\né 😀";
  terminal.print(terminal.paintOut("red", data));
  terminal.note(data);
  terminal.printJson({ [data]: data });
  const shown = "a\\u001b]0;title\\u0007\\u001b[2Jb c\\u000d\\u007f\\u009b31m\\u202ed\né 😀";
  const [json = ""] = out.text.trimEnd().split("\n").slice(-1);
  expect(out.text).toContain(`\u001B[31m${shown}\u001B[39m\n`);
  expect(err.text).toBe(`${shown}\n`);
  expect(json).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u);
  expect(JSON.parse(json)).toEqual({ [data]: data });
});

test("nor does what is drawn, or written to be read by a program", () => {
  const { terminal, out, err } = recordedTerminal({ isTTY: true });
  const data = "\u009B2J\u2028\u{E0041}\uD800\u2069\r";
  const shown = String.raw`\u009b2J\u2028\udb40\udc41\ud800\u2069\u000d`;
  terminal.draw(terminal.paintErr("dim", data));
  terminal.write(`{\r\n\t"a": "${data}"\n}`);
  expect(err.text).toBe(`\u001B[2m${shown}\u001B[22m`);
  expect(out.text).toBe(`{\r\n\t"a": "${shown}"\n}`);
});

test("no character of data stands for the escape of our own colours", () => {
  const { terminal, err } = recordedTerminal({ isTTY: true });
  const all = Array.from({ length: 0xfffe }, (_, index) => String.fromCodePoint(0xf0000 + index));
  terminal.note(all.map((character) => `${character}[2J`).join(""));
  expect(err.text).not.toContain("\u001B");
});
