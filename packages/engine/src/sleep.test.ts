import { expect, test } from "vitest";
import { sleep } from "./sleep.ts";

test("a sleep takes its time, or ends when it is aborted", async () => {
  const started = performance.now();
  await sleep(30, new AbortController().signal);
  expect(performance.now() - started).toBeGreaterThan(25);
  await sleep(1e20, AbortSignal.timeout(20));
  await sleep(1e20, AbortSignal.abort());
});

test("a sleep longer than a timer of Node can wait does not end at once", async () => {
  const ended = sleep(2 ** 31 + 10, AbortSignal.timeout(100)).then(() => performance.now());
  const started = performance.now();
  expect((await ended) - started).toBeGreaterThan(80);
});
