import { describe, expect, it } from "vitest";
import { markdown, text } from "./tables.ts";
import { result } from "./testing/result.ts";

const failed = {
  checks: [{ name: "rows equal", holds: false, found: "1, 2" }],
  requirements: [{ name: "Sferic", bound: "at most", limit: 0.08, unit: "s", measured: 0.2, met: false }],
} as const;

describe("the page", () => {
  it("says what was required, and whether it is met", () => {
    const lines = markdown([result()]).split("\n");
    expect(lines).toContain(
      "| [kmeans-1m](#kmeans-1m) | Sferic against scikit-learn | at least 10.0 × | 17.5 × | met |",
    );
  });
  it("shows times, their ratio to the first contender, and memory", () => {
    const lines = markdown([result()]).split("\n");
    expect(lines).toContain("| Sferic | 3 | 100 ms | 200 ms | 400 ms | 1.00 × | 64.0 MiB |");
    expect(lines).toContain("| scikit-learn | 1 | 3.50 s | 3.50 s | 3.50 s | 17.5 × | 1.00 GiB |");
  });
  it("names the machine, the versions and the load", () => {
    expect(markdown([result()])).toContain(
      "2026-11-21, Some CPU @ 3 GHz, 2 cores, 24 GiB, linux x64, Node 24.21.0, Rust 1.95.0; scikit-learn 1.9.1, load 0.25.",
    );
  });
  it("does not hide what failed", () => {
    const page = markdown([result(failed)]);
    expect(page).toContain("| at most 80.0 ms | 200 ms | **not met** |");
    expect(page).toContain("rows equal **does not hold** (1, 2)");
  });
});

describe("the text", () => {
  it("judges a full run", () => {
    const shown = text(result(failed));
    expect(shown).toContain("WRONG    rows equal: 1, 2");
    expect(shown).toContain("NOT MET  Sferic: 200 ms, must be at most 80.0 ms");
  });
  it("judges nothing of a quick run", () => {
    const shown = text(result({ ...failed, size: "quick" }));
    expect(shown).not.toMatch(/WRONG|NOT MET/);
    expect(shown).toContain("quick");
  });
});
