import { describe, expect, it } from "vitest";
import { readArguments, UsageError } from "./arguments.ts";

const names = ["silhouette-40k", "kmeans-1m", "granules-180", "granules-180-process"];

describe("readArguments", () => {
  it("takes all scenarios when none is named", () => {
    expect(readArguments([], names)).toEqual({ names, quick: false, list: false, help: false, pairs: 15 });
  });
  it("takes named ones in their own order, once", () => {
    const args = ["kmeans-1m", "--quick", "silhouette-40k", "kmeans-1m"];
    expect(readArguments(args, names)).toMatchObject({ names: ["silhouette-40k", "kmeans-1m"], quick: true });
  });
  it("takes all that begin with a name that is none itself", () => {
    expect(readArguments(["granules"], names).names).toEqual(["granules-180", "granules-180-process"]);
    expect(readArguments(["granules-180"], names).names).toEqual(["granules-180"]);
  });
  it("suggests the name that was meant", () => {
    expect(() => readArguments(["kmean-1m"], names)).toThrow(UsageError);
    expect(() => readArguments(["kmean-1m"], names)).toThrow('Did you mean "kmeans-1m"?');
  });
  it("lists the names when none is near", () => {
    expect(() => readArguments(["zzz"], names)).toThrow("There are silhouette-40k, kmeans-1m");
  });
  it("takes a commit to compare with, and enough pairs", () => {
    expect(readArguments(["--against", "4bf8720", "--pairs", "21"], names)).toMatchObject({
      against: "4bf8720",
      pairs: 21,
    });
    expect(() => readArguments(["--against", "4bf8720", "--pairs", "3"], names)).toThrow("at least 15");
  });
  it("knows its options", () => {
    expect(() => readArguments(["--fast"], names)).toThrow(UsageError);
  });
});
