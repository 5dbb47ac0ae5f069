import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRegistry, defineSink, secretField } from "@sferic/operator";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { connectionOf } from "./connections.ts";
import { planPipeline, type PlanResult } from "./plan.ts";
import { countingRegistry } from "./testing/counting-registry.ts";

const mail = defineSink({
  type: "mail",
  since: "0.1.0",
  status: "experimental",
  summary: "Sends nothing.",
  delivery: { guarantee: "at-least-once", why: "it is a double" },
  errors: [],
  examples: [],
  config: z.strictObject({}),
  connection: {
    type: "smtp",
    config: z.strictObject({
      hosts: z.array(z.string()),
      port: z.int().default(25),
      login: z.strictObject({ user: z.string(), password: secretField }).optional(),
    }),
  },
  create: () => {
    throw new Error("Nothing runs here.");
  },
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sferic-test-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Plans a pipeline whose sink names these connections. */
async function planned(connections: object, sink: object = { connection: "post" }): Promise<PlanResult> {
  const counting = countingRegistry({ filesRead: [], sinksOpened: 0, batchesOpen: 0 });
  const source = (await counting.find("source", "counting"))!;
  const spec = {
    name: "p",
    connections,
    sources: { numbers: { type: "counting", files: 1 } },
    sinks: { out: { type: "mail", from: "numbers", ...sink } },
  };
  const registry = createRegistry(counting.batches, [], [source, mail]);
  return planPipeline(spec, { registry, baseDirectory: folder, environment: { PASSWORD: "hunter2" } });
}

/** The connection of the sink. */
async function resolved(password: object): Promise<unknown> {
  const post = { type: "smtp", hosts: ["a", "b"], login: { user: "me", password } };
  const { plan } = await planned({ post });
  return connectionOf(
    plan!,
    plan!.operators.find(({ node }) => node.id === "out")!,
  );
}

const withPassword = (password: string): object => ({
  name: "post",
  config: { hosts: ["a", "b"], port: 25, login: { user: "me", password } },
});

test("a connection has its defaults, and secrets from the environment", async () => {
  expect(await resolved({ env: "PASSWORD" })).toEqual(withPassword("hunter2"));
});

test("a secret may be in a file beside the spec, whose last line break is not part of it", async () => {
  await writeFile(join(folder, "password.txt"), " two words\n");
  expect(await resolved({ file: "password.txt" })).toEqual(withPassword(" two words"));
});

test("a secret that is not there is named", async () => {
  await expect(resolved({ env: "NOBODY" })).rejects.toThrow(
    /connection "post" needs the environment variable NOBODY, which is not set/,
  );
  await expect(resolved({ file: "none.txt" })).rejects.toMatchObject({ code: "missing-secret" });
});

test("operators without a declared connection get none", async () => {
  const { plan } = await planned({ post: { type: "smtp", hosts: [] } });
  const source = plan!.operators.find(({ node }) => node.id === "numbers")!;
  expect(await connectionOf(plan!, source)).toBeUndefined();
});

test.each([
  ["none named", { post: { type: "smtp", hosts: [] } }, {}, "missing-connection", "/sinks/out"],
  [
    "of another type",
    { post: { type: "s3" }, office: { type: "smtp", hosts: [] } },
    { connection: "post" },
    "wrong-connection",
    "/sinks/out/connection",
  ],
  [
    "of a misspelt type",
    { post: { type: "smpt", hosts: [] } },
    { connection: "post" },
    "unknown-connection-type",
    "/connections/post/type",
  ],
  [
    "of a type under another name",
    { post: { tpye: "smtp", hosts: [] } },
    { connection: "post" },
    "unknown-field",
    "/connections/post/tpye",
  ],
  [
    "with an unknown field",
    { post: { type: "smtp", hosts: [], prot: 1 } },
    { connection: "post" },
    "unknown-field",
    "/connections/post/prot",
  ],
  [
    "with a wrong value",
    { post: { type: "smtp", hosts: "a" } },
    { connection: "post" },
    "invalid-value",
    "/connections/post/hosts",
  ],
  ["without a field", { post: { type: "smtp" } }, { connection: "post" }, "missing-field", "/connections/post"],
])("a connection is an issue when it is %s", async (_, connections, sink, code, pointer) => {
  const { plan, issues } = await planned(connections, sink);
  expect(plan).toBeNull();
  expect(issues.map((issue) => [issue.code, issue.pointer])).toEqual([[code, pointer]]);
});
