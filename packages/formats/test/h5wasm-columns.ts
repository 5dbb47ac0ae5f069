import { type Dataset, File, ready } from "h5wasm/node";

/** Values as another reader has them: numbers, or bigint for 64 bits and for nanoseconds since 1970; null where missing. */
export type Values = (number | bigint | null)[];

/** One variable of a NetCDF-4 file as h5wasm reads it, with the attributes that say what the stored numbers mean. */
export interface Variable {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly stored: ArrayLike<number | bigint>;
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** A NetCDF-4 file in memory. */
export interface Contents {
  readonly variables: Readonly<Record<string, Variable>>;
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** Attributes that are copied and that say what a stored number means. */
const meaningful = ["scale_factor", "add_offset", "_FillValue", "missing_value", "_Unsigned", "units", "calendar"];

/** Everything h5wasm reads from a file. */
export async function readContents(path: string): Promise<Contents> {
  await ready;
  const file = new File(path, "r");
  try {
    const datasets = file.keys().map((name) => file.get(name) as Dataset);
    const variables = datasets.map((dataset) => variableOf(dataset));
    return {
      variables: Object.fromEntries(variables.map((variable) => [variable.name, variable])),
      attributes: attributesOf(file.attrs, Object.keys(file.attrs)),
    };
  } finally {
    file.close();
  }
}

function variableOf(dataset: Dataset): Variable {
  const value = dataset.value as ArrayLike<number | bigint> | number | bigint;
  return {
    name: dataset.path.slice(1),
    shape: dataset.shape ?? [],
    dtype: String(dataset.dtype as string),
    stored: typeof value === "object" ? value : [value],
    attributes: attributesOf(dataset.attrs, meaningful),
  };
}

function attributesOf(attributes: Dataset["attrs"], names: readonly string[]): Record<string, string | number> {
  const present = names.filter((name) => attributes[name] !== undefined);
  return Object.fromEntries(
    present.map((name) => {
      const value = attributes[name]!.value as string | number | ArrayLike<number>;
      return [name, typeof value === "object" ? Number(value[0]) : value];
    }),
  );
}

/** How stored numbers are to be read where the file does not say it. */
export interface Reading {
  /** Integers without `_Unsigned` are unsigned. */
  readonly unsigned?: boolean;
  /** What values are multiplied with, or turned into, at the end. */
  convert?(value: number): number;
}

/** The stored integers, unsigned where the file says so; and which of them mean "no value". */
export function integersOf(variable: Variable, { unsigned = false }: Reading = {}): Values {
  const bits = bitsOf(variable.dtype);
  const isUnsigned = (unsigned && bits > 0) || variable.attributes["_Unsigned"] === "true";
  const reinterpreted = (value: number | bigint): number | bigint =>
    isUnsigned && value < 0 ? Number(value) + 2 ** bits : value;
  const missing = missingOf(variable).map(reinterpreted);
  return Array.from(variable.stored, (stored) => {
    const value = reinterpreted(stored);
    return missing.some((fill) => Object.is(Number(fill), Number(value))) ? null : value;
  });
}

/** NetCDF's default fill value of floats counts where the file names none (NetCDF User's Guide, "Fill Values"). */
function missingOf({ dtype, attributes }: Variable): number[] {
  const named = ["_FillValue", "missing_value"].flatMap((name) => attributes[name] ?? []).map(Number);
  return named.length === 0 && /[fd]$/.test(dtype) ? [Math.fround(9.969_209_968_386_869e36)] : named;
}

const integerBits: Readonly<Record<string, number>> = { b: 8, h: 16, i: 32, l: 32, q: 64 };

function bitsOf(dtype: string): number {
  return integerBits[dtype.at(-1)!.toLowerCase()] ?? 0;
}

/** `stored × scale_factor + add_offset` in float64 (CF conventions, section 8.1). */
export function unpacked(variable: Variable, reading: Reading = {}): Values {
  const { scale_factor: scale, add_offset: offset } = variable.attributes;
  const isPacked = scale !== undefined || offset !== undefined;
  return integersOf(variable, reading).map((stored) => {
    if (stored === null) return null;
    const value = isPacked ? Number(stored) * Number(scale ?? 1) + Number(offset ?? 0) : Number(stored);
    return reading.convert?.(value) ?? value;
  });
}

/** Nanoseconds since 1970-01-01T00:00:00Z, rounded to the nearest from the exact value of the float64. */
export function times(variable: Variable, reading: Reading = {}): Values {
  const [unit, date] = String(variable.attributes["units"]).split(" since ");
  const perUnit = { seconds: 1_000_000_000n, milliseconds: 1_000_000n }[unit!]!;
  const origin = BigInt(Date.parse(`${date!.replace(" ", "T")}Z`)) * 1_000_000n;
  return unpacked(variable, reading).map((value) => (value === null ? null : origin + nearest(Number(value), perUnit)));
}

/** value × factor without rounding but the last one. Scaling a float64 by a power of two loses nothing. */
function nearest(value: number, factor: bigint): bigint {
  const exact = BigInt(value * 2 ** 80) * factor;
  return (exact + (1n << 79n)) >> 80n;
}

/** Whether a variable counts from an instant. */
export function isTime({ attributes }: Variable): boolean {
  return String(attributes["units"] ?? "").includes(" since ");
}

/** How a copy differs from its original. */
export interface Changes {
  /** Stored numbers in place of the original ones, by variable. */
  readonly stored?: Readonly<Record<string, readonly number[]>>;
  /** Attributes in place of the original ones, by variable. */
  readonly attributes?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Writes the variables and the global texts of a file anew with libhdf5: chunks of 64 elements, deflated, little-endian. */
export async function writeCopy(
  { variables, attributes }: Contents,
  path: string,
  changes: Changes = {},
): Promise<void> {
  await ready;
  const file = new File(path, "w");
  try {
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "string") file.create_attribute(name, value);
    }
    for (const variable of Object.values(variables)) copyVariable(file, variable, changes);
  } finally {
    file.close();
  }
}

function copyVariable(file: File, { name, shape, dtype, stored, attributes }: Variable, changes: Changes): void {
  const arrays: Readonly<Record<string, new (values: Iterable<number>) => ArrayBufferView>> = {
    b: Int8Array,
    h: Int16Array,
    i: Int32Array,
    f: Float32Array,
    d: Float64Array,
  };
  const kind = dtype.at(-1)!;
  const numbers = changes.stored?.[name] ?? Array.from(stored, Number);
  const data = new arrays[kind]!(numbers) as never;
  const filters = shape.length === 1 && shape[0]! > 0 ? { chunks: [64], compression: 6, maxshape: [null] } : {};
  const copy = file.create_dataset({ name, data, shape: [...shape], dtype: `<${kind}`, ...filters } as never);
  for (const [attribute, value] of Object.entries({ ...attributes, ...changes.attributes?.[name] })) {
    const isStored = attribute === "_FillValue" || attribute === "missing_value";
    if (typeof value === "string") copy.create_attribute(attribute, value);
    else copy.create_attribute(attribute, value, [1], isStored ? `<${kind}` : "<f");
  }
}
