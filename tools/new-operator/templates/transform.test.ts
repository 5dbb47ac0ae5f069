import { describeTransform } from "@sferic/testkit";
import { tableFromArrays } from "apache-arrow";
import { expect, test } from "vitest";
import { templateName } from "./transform.ts";

describeTransform({ definition: templateName });

test("every row comes out", async () => {
  const { main } = await templateName.run(tableFromArrays({ a: Int32Array.of(1, 2, 3) }), { columns: ["a"] });
  expect([...main.getChild("a")!]).toEqual([1, 2, 3]);
});

test("an unknown column is refused", async () => {
  const running = templateName.run(tableFromArrays({ a: Int32Array.of(1) }), { columns: ["b"] });
  await expect(running).rejects.toThrow('column "b" is not in the input');
});
