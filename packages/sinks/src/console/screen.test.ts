import { expect, test } from "vitest";
import { Screen } from "./screen.ts";
import { RecordedScreen } from "./testing/recorded-screen.ts";

const bright = (...texts: string[]): { text: string; isBright: boolean }[] =>
  texts.map((text) => ({ text, isBright: true }));

function screenOf(terminal: RecordedScreen, environment: Record<string, string> = { NO_COLOR: "1" }): Screen {
  return new Screen(terminal, environment);
}

test("a drawing takes the place of the one before, also a shorter one", () => {
  const terminal = new RecordedScreen(20);
  const screen = screenOf(terminal);
  screen.write("hello\n");
  screen.draw(screen, bright("a", "b", "c"));
  expect(terminal.lines).toEqual(["hello", "a", "b", "c"]);
  screen.draw(screen, bright("d"));
  expect(terminal.lines).toEqual(["hello", "d"]);
});

test("lines are cut to the width", () => {
  const terminal = new RecordedScreen(10);
  screenOf(terminal).draw(terminal, bright("123456789", "1234567890"));
  expect(terminal.lines).toEqual(["123456789", "12345678…"]);
});

test("a window made narrower since is cleared as far as it was drawn on", () => {
  const terminal = new RecordedScreen(20);
  const screen = screenOf(terminal);
  screen.write("hello\n");
  screen.draw(screen, bright("123456789012345", "b"));
  terminal.columns = 10;
  expect(terminal.lines).toEqual(["hello", "1234567890", "12345", "b"]);
  screen.draw(screen, bright("d"));
  expect(terminal.lines).toEqual(["hello", "d"]);
});

test("what was written since stays, and so does the drawing of another", () => {
  const terminal = new RecordedScreen(20);
  const screen = screenOf(terminal);
  const [one, other] = [{}, {}];
  screen.draw(one, bright("a"));
  screen.write("text\n");
  screen.draw(one, bright("b"));
  screen.draw(other, bright("c"));
  screen.draw(one, bright("d"));
  expect(terminal.lines).toEqual(["a", "text", "b", "c", "d"]);
});

test("what steps back is dim, but not without colours", () => {
  const terminal = new RecordedScreen(20);
  screenOf(terminal, {}).draw(terminal, [{ text: "x", isBright: false }]);
  expect(terminal.written).toBe("\u001B[2mx\u001B[22m\n");
  const plain = new RecordedScreen(20);
  screenOf(plain).draw(plain, [{ text: "x", isBright: false }]);
  expect(plain.written).toBe("x\n");
});

test.each([
  [true, {}, true],
  [false, {}, false],
  [true, { TERM: "dumb" }, false],
  [true, { CI: "true" }, false],
])("isTTY %s with %o is live: %s", (isTTY, environment, isLive) => {
  expect(new Screen({ isTTY, write: () => true }, environment).isLive).toBe(isLive);
});

test("there is room for some lines whatever the height, and for the progress below where there is height", () => {
  expect(new Screen({ rows: 50, write: () => true }, {}).lines).toBe(38);
  expect(new Screen({ rows: 5, write: () => true }, {}).lines).toBe(8);
  expect(new Screen({ write: () => true }, {}).lines).toBe(12);
});
