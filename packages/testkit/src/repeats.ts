/**
 * How often a test repeats what it does: `some` times in `npm test`, `all` times in `npm run test:whole`; the environment variable
 * `name` says another number.
 */
export function repeats(name: string, some: number, all: number): number {
  return Number(process.env[name] ?? (isWhole ? all : some));
}

/** Whether samples give way to the whole, as `npm run test:whole` wants it. */
export const isWhole = process.env["SFERIC_TEST_WHOLE"] === "1";
