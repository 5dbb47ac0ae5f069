import { column, Schema } from "@sferic/operator";
import { expect, it } from "vitest";
import { perSchema } from "./per-schema.ts";

const schema = (type: string): Schema => new Schema([column("x", type)]);

it("computes again only for other schemas", () => {
  let computed = 0;
  const asked = perSchema((...schemas) => {
    computed += 1;
    return schemas.map(({ columns }) => columns[0]!.type).join();
  });
  const answers = [asked(schema("int8")), asked(schema("int8")), asked(schema("int8"), schema("utf8"))];
  expect(answers).toEqual(["int8", "int8", "int8,utf8"]);
  expect(computed).toBe(2);
});
