import { CancelToken } from "./native.ts";
import { unwrapped } from "./errors.ts";

/** Starts cancellable work in the core; when the signal aborts the work ends soon and its reason is thrown. */
export async function cancellable<T>(
  signal: AbortSignal | undefined,
  start: (token: CancelToken) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const token = new CancelToken();
  const cancel = (): void => token.cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    return await unwrapped(start(token));
  } catch (thrown) {
    signal?.throwIfAborted();
    throw thrown;
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}
