import { expect, test } from "vitest";
import { remembered } from "./remembered.ts";

test("equal arguments are asked about once, until many others came", () => {
  const asked: string[] = [];
  const lengthOf = remembered((text: string, { more }: { readonly more: number }) => {
    asked.push(text.slice(0, 5));
    return text.length + more;
  });
  expect([lengthOf("one", { more: 1 }), lengthOf("one", { more: 1 }), lengthOf("one", { more: 2 })]).toEqual([4, 4, 5]);
  expect(asked).toEqual(["one", "one"]);
  for (let count = 0; count < 5; count++) lengthOf(`${count} ${"x".repeat(1_000_000)}`, { more: 0 });
  expect(lengthOf("one", { more: 1 })).toBe(4);
  expect(asked.filter((text) => text === "one")).toHaveLength(3);
});

test("what is thrown is not remembered", () => {
  let count = 0;
  const failing = remembered(() => {
    count += 1;
    throw new Error("no");
  });
  expect(failing).toThrow("no");
  expect(failing).toThrow("no");
  expect(count).toBe(2);
});
