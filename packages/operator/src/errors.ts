import type { PortSchemas } from "./operator.ts";

/** Who has to act: the author of the spec, whoever runs the outside system, or the engine's developers. */
export type ErrorDomain = "user" | "external" | "internal";

/** Whether doing the same again can help. */
export type RetryAdvice = "never" | "backoff";

/** An {@link OperatorError} as data: what crosses process and language boundaries. */
export interface ErrorData {
  code: string;
  message: string;
  domain?: ErrorDomain;
  retry?: RetryAdvice;
  operatorId?: string;
  details?: Record<string, unknown>;
}

/**
 * The one error type of operators and engine. `code` is stable and kebab-case; the message says what is wrong, where,
 * and what to do.
 */
export class OperatorError extends Error {
  override readonly name = "OperatorError";
  readonly code: string;
  readonly domain: ErrorDomain;
  readonly retry: RetryAdvice;
  /** Operator in which it happened; the engine fills it in when the operator did not. */
  operatorId: string | undefined;
  readonly details: Record<string, unknown>;

  constructor(data: ErrorData, options?: { cause?: unknown }) {
    super(data.message, options);
    this.code = data.code;
    this.domain = data.domain ?? "user";
    this.retry = data.retry ?? "never";
    this.operatorId = data.operatorId;
    this.details = data.details ?? {};
  }

  toJSON(): ErrorData {
    const { code, message, domain, retry, operatorId, details } = this;
    return { code, message, domain, retry, ...(operatorId === undefined ? {} : { operatorId }), details };
  }
}

/** Any thrown value as an {@link OperatorError}; what is not one already becomes `internal-error` or a file-system error. */
export function asOperatorError(thrown: unknown, operatorId?: string): OperatorError {
  const error = thrown instanceof OperatorError ? thrown : fromUnknown(thrown);
  error.operatorId ??= operatorId;
  return error;
}

const permission = ["permission-denied", "Let this user do that there, or choose another path."] as const;
const full = ["disk-full", "Make room there and run again."] as const;

/** Code for what the system says, and what to do about it where that is clear. */
const fileSystemCodes: Readonly<Record<string, readonly [code: string, advice?: string]>> = {
  EACCES: permission,
  EPERM: permission,
  EROFS: permission,
  ENOSPC: full,
  EDQUOT: full,
  ENOENT: ["not-found"],
  ENOTDIR: ["not-a-folder"],
  EISDIR: ["not-a-file"],
  EEXIST: ["already-exists"],
  EMFILE: ["too-many-open-files", 'Raise the limit ("ulimit -n").'],
};

function fromUnknown(thrown: unknown): OperatorError {
  if (!(thrown instanceof Error)) {
    return new OperatorError({ code: "internal-error", message: String(thrown), domain: "internal" });
  }
  if (thrown.name === "AbortError") {
    return new OperatorError({ code: "aborted", message: "The run was aborted." }, { cause: thrown });
  }
  const [code, advice] = fileSystemCodes[(thrown as NodeJS.ErrnoException).code ?? ""] ?? [];
  if (code === undefined) {
    return new OperatorError(
      { code: "internal-error", message: thrown.message, domain: "internal" },
      { cause: thrown },
    );
  }
  const message = advice === undefined ? thrown.message : `${thrown.message}. ${advice}`;
  const retry = code === "disk-full" ? "backoff" : "never";
  return new OperatorError({ code, message, domain: "external", retry }, { cause: thrown });
}

/**
 * A mistake in an operator's configuration that only planning can see, such as an unknown column.
 * `pointer` is relative to the operator (`/columns/lat`); `offset` and `length` count characters inside the string there.
 */
export interface ConfigProblem {
  code: string;
  message: string;
  pointer: string;
  offset?: number;
  length?: number;
  hint?: string;
  /** Whether the key at the pointer is meant rather than its value. */
  keyRange?: boolean;
}

/**
 * Thrown by `output` with every {@link ConfigProblem} of the operator; the plan turns them into issues. `ports` says what
 * the operator would give without the mistakes, where that is clear, so that what follows it is checked too.
 */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly ConfigProblem[];
  readonly ports: PortSchemas;

  constructor(problems: readonly ConfigProblem[], ports: PortSchemas = {}) {
    super(problems.map((problem) => problem.message).join("; "));
    this.problems = problems;
    this.ports = ports;
  }
}

/**
 * The ports, when no check throws. Runs all checks, so that every mistake is told at once: throws one
 * {@link ConfigError} with the problems of all of theirs, and with the ports, so that what follows is checked too.
 */
export function checkedPorts(ports: PortSchemas, ...checks: readonly (() => unknown)[]): PortSchemas {
  const problems = checks.flatMap((check) => {
    try {
      check();
      return [];
    } catch (thrown) {
      if (thrown instanceof ConfigError) return thrown.problems;
      throw thrown;
    }
  });
  if (problems.length > 0) throw new ConfigError(problems, ports);
  return ports;
}
