/** Seconds as people say them: `84 µs`, `0.42 ms`, `13.5 ms`, `3.50 s`. */
export function seconds(value: number): string {
  const [scaled, unit] = value < 1e-3 ? [value * 1e6, "µs"] : value < 1 ? [value * 1e3, "ms"] : [value, "s"];
  return `${digits(scaled)} ${unit}`;
}

/** Bytes as people say them: `830 KiB`, `1.20 GiB`. */
export function bytes(value: number): string {
  const [scaled, unit] =
    value < 2 ** 20 ? [value / 2 ** 10, "KiB"] : value < 2 ** 30 ? [value / 2 ** 20, "MiB"] : [value / 2 ** 30, "GiB"];
  return `${digits(scaled)} ${unit}`;
}

/** A number with its unit. */
export function figure(value: number, unit: "s" | "×" | "bytes"): string {
  if (unit === "s") return seconds(value);
  return unit === "bytes" ? bytes(value) : `${digits(value)} ×`;
}

/** Three significant digits, but no fewer than all before the point. */
function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
