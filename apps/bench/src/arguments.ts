import { parseArgs } from "node:util";
import { nearest } from "@sferic/operator";

/** What the command line asks for. */
export interface Wanted {
  /** Names of scenarios, in their own order; all when none was given. */
  readonly names: readonly string[];
  readonly quick: boolean;
  /** Commit whose build is compared with this one, instead of the peers. */
  readonly against?: string;
  /** Pairs of repetitions in a comparison with a commit. */
  readonly pairs: number;
  readonly list: boolean;
  readonly help: boolean;
}

/** A command line that asks for something that is not there; the message says what was meant, perhaps. */
export class UsageError extends Error {}

/** Reads the command line. A name also stands for all scenarios that begin with it. Throws {@link UsageError}. */
export function readArguments(args: readonly string[], scenarios: readonly string[]): Wanted {
  const { positionals, values } = parse(args);
  const unknown = positionals.find((given) => !scenarios.some((name) => name.startsWith(given)));
  if (unknown !== undefined) {
    const close = nearest(unknown, scenarios);
    const advice = close === undefined ? `There are ${scenarios.join(", ")}.` : `Did you mean "${close}"?`;
    throw new UsageError(`There is no scenario "${unknown}". ${advice}`);
  }
  const names = scenarios.filter((name) => {
    const exact = positionals.includes(name);
    return exact || positionals.some((given) => !scenarios.includes(given) && name.startsWith(given));
  });
  const { quick = false, list = false, help = false, against, pairs: count } = values;
  return {
    names: positionals.length === 0 ? scenarios : names,
    quick,
    list,
    help,
    pairs: count === undefined ? pairsAtLeast : pairsIn(count),
    ...(against === undefined ? {} : { against }),
  };
}

/** Fewer give no interval that a difference of a few percent could leave. */
const pairsAtLeast = 15;

function pairsIn(text: string): number {
  const pairs = Number(text);
  if (Number.isInteger(pairs) && pairs >= pairsAtLeast) return pairs;
  throw new UsageError(`--pairs takes a whole number of at least ${pairsAtLeast}, not "${text}".`);
}

const options = {
  quick: { type: "boolean" },
  list: { type: "boolean" },
  help: { type: "boolean", short: "h" },
  against: { type: "string" },
  pairs: { type: "string" },
} as const;

type Parsed = ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>;

function parse(args: readonly string[]): Parsed {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (thrown) {
    throw new UsageError((thrown as Error).message);
  }
}
