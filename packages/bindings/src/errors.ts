import { type ErrorData, OperatorError } from "@sferic/operator";

/** Runs a call into the core; what it throws becomes an `OperatorError`. The one place where native failures turn. */
export function unwrapping<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    throw fromNative(thrown);
  }
}

/** As {@link unwrapping}, for a promise. */
export async function unwrapped<T>(pending: Promise<T>): Promise<T> {
  try {
    return await pending;
  } catch (thrown) {
    throw fromNative(thrown);
  }
}

/** The failure that the core wrote as JSON into the message; anything else stays as it is. */
export function fromNative(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || !thrown.message.startsWith('{"code"')) return thrown;
  const data = JSON.parse(thrown.message) as ErrorData;
  return new OperatorError({ ...data, retry: data.code === "disk-full" ? "backoff" : "never" }, { cause: thrown });
}
