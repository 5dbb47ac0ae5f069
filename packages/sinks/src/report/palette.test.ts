import { expect, it } from "vitest";
import { assignMarks, oklab, palette, type Site } from "./palette.ts";

/** sRGB to what is seen with full deficiency; Machado, Oliveira, Fernandes 2009, table 1, severity 1.0. */
const deficiencies = {
  protanopia: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deuteranopia: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritanopia: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
};

function seen(colour: string, matrix: readonly number[]): string {
  const linear = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  const channels = [0, 3, 6].map((row) => {
    const light = linear.reduce((sum, value, index) => sum + value * matrix[row + index]!, 0);
    const bounded = Math.min(1, Math.max(0, light));
    return Math.round(255 * (bounded <= 0.0031308 ? 12.92 * bounded : 1.055 * bounded ** (1 / 2.4) - 0.055));
  });
  return `#${channels.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
}

function smallestDifference(colours: readonly string[]): number {
  let smallest = Infinity;
  for (const [index, colour] of colours.entries()) {
    for (const other of colours.slice(0, index)) {
      const [a, b] = [oklab(colour), oklab(other)];
      smallest = Math.min(smallest, Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]));
    }
  }
  return smallest;
}

it("agrees with the published OKLab values", () => {
  // Ottosson 2020: white is (1, 0, 0); red as in CSS Color 4, section 9.
  expect(oklab("#ffffff").map((value) => Math.abs(Number(value.toFixed(3))))).toEqual([1, 0, 0]);
  expect(oklab("#ff0000").map((value) => Number(value.toFixed(3)))).toEqual([0.628, 0.225, 0.126]);
});

it("keeps colours apart for every kind of colour vision, the first eight widely", () => {
  expect(smallestDifference(palette)).toBeGreaterThan(0.05);
  for (const matrix of Object.values(deficiencies)) {
    const colours = palette.map((colour) => seen(colour, matrix));
    expect(smallestDifference(colours)).toBeGreaterThan(0.05);
    expect(smallestDifference(colours.slice(0, 8))).toBeGreaterThan(0.1);
  }
});

it("stays visible on light and on dark ground", () => {
  for (const colour of palette) {
    expect(oklab(colour)[0]).toBeGreaterThan(0.49);
    expect(oklab(colour)[0]).toBeLessThan(0.83);
  }
});

it("gives 96 sites different marks", () => {
  const sites = Array.from({ length: 96 }, (_, index): Site => ({ x: index % 12, y: index / 12, weight: index }));
  const marks = assignMarks(sites).map(({ colour, shape }) => `${colour} ${shape}`);
  expect(new Set(marks).size).toBe(96);
});

it("gives neighbours colours that differ more than the palette's nearest pair", () => {
  const sites = Array.from({ length: 24 }, (_, index): Site => ({ x: index, y: 0, weight: (index * 7) % 24 }));
  const marks = assignMarks(sites);
  for (let index = 1; index < marks.length; index++) {
    const pair = smallestDifference([marks[index - 1]!.colour, marks[index]!.colour]);
    expect(pair).toBeGreaterThan(2 * smallestDifference(palette));
  }
});
