import type { Registry } from "@sferic/operator";
import { isSecretName, Secrets } from "@sferic/operator/secrets";
import { checkValue, withoutMisspelt } from "./check-value.ts";
import {
  connectionProblems,
  declaredConnectionProblems,
  declaredSecrets,
  secretProblems,
  secretVariables,
} from "./connections.ts";
import { cronProblems } from "./cron.ts";
import { type Problem, SpecDocument } from "./document.ts";
import { type Graph, readGraph } from "./graph.ts";
import { type Issue, sortIssues } from "./issue.ts";
import { isForbiddenKey, type JsonNode, type JsonReading, parseJson } from "./json.ts";
import { idPattern, sections, specSchema } from "./language.ts";
import type { PipelineSpec, RunSpec, ScheduleSpec, TestSpec } from "./model.ts";
import { boundsOf, type Draft, operatorNode, readOperators } from "./operators.ts";
import { type Parameters, readParameters } from "./parameters.ts";
import { type LoadPlugin, readPlugins } from "./plugins.ts";
import { fromPointer, isObject, type Path, toPointer, valueAt } from "./pointer.ts";
import { soundPart } from "./sound-part.ts";
import { SpecSecrets } from "./secret.ts";
import { placeholdersIn, substitute } from "./substitute.ts";
import { listed, suggest } from "./suggest.ts";

/** Largest spec in bytes of UTF-8. */
export const specBytesMax = 1024 * 1024;

const problemsMax = 1000;

/** What a spec is read with. */
export interface ParseOptions {
  /** The operators it may use. */
  readonly registry: Registry;
  /** Its file name, for issues. */
  readonly file?: string;
  /** Whether comments are allowed, as in `.jsonc`; by default when `file` ends so. */
  readonly comments?: boolean;
  /** Values of parameters, as texts. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Environment variables for `${env:NAME}`; none by default. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Where secrets are kept that the spec, its parameters and its variables hold; of its own by default. */
  readonly secrets?: Secrets;
  /** Loads the operators of `plugins`; without it they are not loaded and a warning says so. */
  readonly loadPlugin?: LoadPlugin;
}

/** A spec as read. */
export interface ParsedSpec {
  readonly document: SpecDocument;
  /** The operators it may use: those it was read with, and those of its plugins. */
  readonly registry: Registry;
  /** Null when an issue is an error. */
  readonly spec: PipelineSpec | null;
  /**
   * What of it can be planned in spite of errors: the spec itself when it has none, otherwise without the operators that
   * have errors or that read such ones. Null when nothing is left. Never to be run: it is there to find more issues.
   */
  readonly soundPart: PipelineSpec | null;
  /** All of them, sorted by place. */
  readonly issues: Issue[];
}

/**
 * Reads a pipeline spec: syntax, parameters, every field against its operator's schema, and the graph. Touches neither
 * files nor network, save that the registry and `loadPlugin` may load operators. Never rejects because of the text: what is wrong with it
 * are issues, all at once. After a syntax error that cannot be repaired only the syntax is reported.
 */
export async function parseSpec(text: string, options: ParseOptions): Promise<ParsedSpec> {
  const { registry, secrets = new Secrets() } = options;
  const file = options.file ?? null;
  if (text.length > specBytesMax || new TextEncoder().encode(text).length > specBytesMax) {
    const none = parseJson("", false);
    const document = new SpecDocument("", file, { ...none, secrets: new SpecSecrets("", none, secrets) });
    const message = `the spec is larger than ${specBytesMax} bytes`;
    const issues = [document.issueAt({ code: "spec-too-large", message, pointer: "" })];
    return { document, registry, spec: null, soundPart: null, issues };
  }
  const comments = options.comments ?? file?.toLowerCase().endsWith(".jsonc") ?? false;
  const json = parseJson(text, comments);
  const document = new SpecDocument(text, file, { ...json, secrets: new SpecSecrets(text, json, secrets) });
  const issues = syntaxIssues(document, json);
  if (!json.sound) return { document, registry, spec: null, soundPart: null, issues: sortIssues(issues) };
  const value = document.value;
  if (!isObject(value)) {
    const message = "a spec is one JSON object, { … }";
    issues.push(document.issueAt({ code: "invalid-value", message, pointer: "" }));
    return { document, registry, spec: null, soundPart: null, issues: sortIssues(issues) };
  }
  return readObject(document, value, issues, options);
}

function syntaxIssues(document: SpecDocument, json: JsonReading): Issue[] {
  const syntax = json.problems.map(({ code, message, offset, length, replace }) =>
    document.issueInRange(
      { code, message, pointer: "", ...(replace === undefined ? {} : { replace }) },
      offset,
      offset + length,
    ),
  );
  const inTree = [...keyIssues(document, json.root, []), ...characterIssues(document, json.root, [])];
  return [...syntax, ...inTree].slice(0, problemsMax);
}

/** Keys that stand twice in an object, or that could reach into an object's prototype. */
function keyIssues(document: SpecDocument, node: JsonNode, path: Path): Issue[] {
  if (node.type === "array") return node.items.flatMap((item, index) => keyIssues(document, item, [...path, index]));
  if (node.type !== "object") return [];
  const seen = new Set<string>();
  return node.properties.flatMap(({ key, keyOffset, keyLength, value }) => {
    const below = [...path, key];
    const issue = (code: string, message: string): Issue =>
      document.issueInRange({ code, message, pointer: toPointer(below) }, keyOffset, keyOffset + keyLength);
    const issues = keyIssues(document, value, below);
    if (isForbiddenKey(key)) issues.push(issue("forbidden-key", `"${key}" may not be a name anywhere in a spec`));
    else if (seen.has(key)) issues.push(issue("duplicate-key", `"${key}" stands twice in the same object`));
    seen.add(key);
    return issues;
  });
}

/** Texts that no file name, expression or output can hold. */
function characterIssues(document: SpecDocument, node: JsonNode, path: Path): Issue[] {
  if (node.type === "array") {
    return node.items.flatMap((item, index) => characterIssues(document, item, [...path, index]));
  }
  if (node.type === "object") {
    return node.properties.flatMap(({ key, value }) => characterIssues(document, value, [...path, key]));
  }
  if (node.type !== "scalar" || typeof node.value !== "string") return [];
  const found = node.value.includes("\0")
    ? "the character U+0000"
    : node.value.isWellFormed()
      ? ""
      : "half a character";
  if (found === "") return [];
  const message = `this text holds ${found}, which nothing can use`;
  const { offset, length } = node;
  return [
    document.issueInRange({ code: "invalid-character", message, pointer: toPointer(path) }, offset, offset + length),
  ];
}

/** Whether a place is that of another problem, or inside of it. */
function isBelow(pointer: string, { pointer: outer }: Pick<Problem, "pointer">): boolean {
  return pointer === outer || pointer.startsWith(`${outer}/`);
}

async function readObject(
  document: SpecDocument,
  written: Record<string, unknown>,
  syntax: readonly Issue[],
  options: ParseOptions,
): Promise<ParsedSpec> {
  const { parameters, problems: parameterProblems } = readParameters(written["parameters"], options.parameters ?? {});
  const filled = substitute(written, parameters, options.environment ?? {});
  const value = filled.value as Record<string, unknown>;
  const plugins = await readPlugins(value["plugins"], options.registry, options.loadPlugin);
  const { drafts, problems: operatorProblems } = await readOperators(value, written, plugins.registry);
  document.secrets.hide(declaredSecrets(value, drafts));
  hideFilled(document, written, value, options);
  const graph = readGraph(drafts, filled.unresolved);
  const language = await checkValue(specSchema, value, { pointer: "", owner: "the spec", written });
  const secrets = secretProblems(written["connections"]);
  const declaredProblems = await declaredConnectionProblems(value["connections"], written["connections"], drafts);
  const checked = [
    ...withoutMisspelt([...language, ...operatorProblems, ...declaredProblems]),
    ...graph.problems,
    ...plugins.problems,
    ...connectionProblems(written["connections"], drafts),
    ...scheduleProblems(value["schedule"]),
    ...testProblems(value["tests"], drafts),
  ].filter(({ pointer }) => !filled.unresolved.has(pointer) && !secrets.some((secret) => isBelow(pointer, secret)));
  const plain = [
    ...parameterProblems,
    ...filled.problems,
    ...secrets,
    ...nameProblems(written),
    ...emptyProblems(value),
    ...unusedParameters(parameters, filled.used),
  ];
  const filledDocument = document.withFilled(filled.parts);
  const issues = [...syntax, ...issuesAt(document, plain), ...issuesAt(filledDocument, checked)];
  const errors = [...syntax, ...plain, ...checked].filter((problem) => problem.severity !== "warning");
  const spec = errors.length > 0 ? null : pipelineSpec(value, parameters, drafts, graph);
  const unfilled = [...filled.unresolved].map((pointer) => ({ code: "unresolved", pointer }));
  const sound = spec === null ? await soundPart(value, drafts, graph, [...errors, ...unfilled]) : null;
  return {
    document: filledDocument,
    registry: plugins.registry,
    issues: sortIssues(issues),
    spec,
    soundPart: sound === null ? spec : pipelineSpec(sound.value, parameters, sound.drafts, sound.graph),
  };
}

/** Keeps out of texts what parameters and variables put into secret fields, and those that are secret by their names. */
function hideFilled(
  { secrets }: SpecDocument,
  written: Record<string, unknown>,
  value: Record<string, unknown>,
  { parameters = {}, environment = {} }: ParseOptions,
): void {
  secrets.hidePasswordsIn(value);
  const isInSecret = (pointer: string): boolean =>
    [...secrets.pointers].some((one) => isBelow(pointer, { pointer: one }));
  for (const { kind, name, fallback, pointer } of placeholdersIn(written)) {
    if (!isSecretName(name) && !isInSecret(pointer)) continue;
    if (kind === "env") secrets.hideValue([environment[name], fallback]);
    else {
      secrets.hide([toPointer(["parameters", name, "default"])]);
      secrets.hideValue(parameters[name]);
    }
  }
  for (const pointer of secrets.pointers) secrets.hideValue(valueAt(value, fromPointer(pointer)));
  for (const [name, text] of Object.entries(parameters)) if (isSecretName(name)) secrets.hideValue(text);
  for (const variable of secretVariables(value["connections"])) secrets.hideValue(environment[variable]);
}

/** Issues of the problems; past the first 1,000 only how many there are. */
function issuesAt(document: SpecDocument, problems: readonly Problem[]): Issue[] {
  const issues = problems.slice(0, problemsMax).map((problem) => document.issueAt(problem));
  if (problems.length > problemsMax) {
    const message = `there are ${problems.length - problemsMax} more problems, which are not listed`;
    issues.push(document.issueAt({ code: "too-many-issues", message, pointer: "" }));
  }
  return issues;
}

function nameProblems(written: Record<string, unknown>): Problem[] {
  return ["parameters", "connections"].flatMap((section) =>
    Object.keys(isObject(written[section]) ? written[section] : {})
      .filter((name) => !idPattern.test(name))
      .map((name) => ({
        code: "invalid-id",
        message: `"${name}" cannot be a name: it begins with a letter and has up to 63 letters, digits, "_" and "-"`,
        pointer: toPointer([section, name]),
        keyRange: true,
      })),
  );
}

function emptyProblems(value: Record<string, unknown>): Problem[] {
  const empty = (section: string): boolean => isObject(value[section]) && Object.keys(value[section]).length === 0;
  const problems: Problem[] = [];
  if (empty(sections.source)) {
    problems.push({
      code: "no-source",
      message: "a pipeline needs at least one source",
      pointer: "/sources",
      keyRange: true,
    });
  }
  if (empty(sections.sink)) {
    problems.push({
      code: "no-sink",
      message: "a pipeline needs at least one sink",
      pointer: "/sinks",
      keyRange: true,
    });
  }
  return problems;
}

function unusedParameters(parameters: Parameters, used: ReadonlySet<string>): Problem[] {
  return [...parameters.keys()]
    .filter((name) => !used.has(name))
    .map((name) => ({
      code: "unused-parameter",
      severity: "warning",
      message: `the parameter "${name}" is used nowhere`,
      pointer: toPointer(["parameters", name]),
      keyRange: true,
    }));
}

function scheduleProblems(schedule: unknown): Problem[] {
  const cron = isObject(schedule) ? schedule["cron"] : undefined;
  if (typeof cron !== "string") return [];
  return cronProblems(cron).map((problem) => ({ code: "invalid-cron", pointer: "/schedule/cron", ...problem }));
}

/** Tests may name only operators that exist. */
function testProblems(tests: unknown, drafts: readonly Draft[]): Problem[] {
  if (!Array.isArray(tests)) return [];
  const sources = drafts.filter((draft) => draft.kind === "source").map((draft) => draft.id);
  const all = drafts.map((draft) => draft.id);
  return tests.flatMap((test: unknown, index) => {
    const epochs = isObject(test) && Array.isArray(test["epochs"]) ? (test["epochs"] as unknown[]) : [];
    const parts = [[test, ["tests", index]], ...epochs.map((epoch, at) => [epoch, ["tests", index, "epochs", at]])];
    return parts.flatMap(([part, path]) => rowsProblems(part, path as (string | number)[], sources, all));
  });
}

function rowsProblems(
  part: unknown,
  path: readonly (string | number)[],
  sources: readonly string[],
  all: readonly string[],
): Problem[] {
  return (["given", "expect"] as const).flatMap((field) => {
    const rows = isObject(part) && isObject(part[field]) ? part[field] : {};
    const ids = field === "given" ? sources : all;
    return Object.keys(rows).flatMap((name) => {
      const dot = field === "expect" ? name.indexOf(".") : -1;
      const id = dot < 0 ? name : name.slice(0, dot);
      if (ids.includes(id)) return [];
      const near = suggest(id, ids);
      return {
        code: "unknown-id",
        message: `there is no ${field === "given" ? "source" : "operator"} "${id}"; there are ${listed(ids) || "none"}`,
        pointer: toPointer([...path, field, name]),
        keyRange: true,
        ...(near === undefined ? {} : { hint: near, replace: renaming(rows, near + name.slice(id.length)) }),
      };
    });
  });
}

/** The key to put in place of one of `rows`; null where it stands there already. */
function renaming(rows: Readonly<Record<string, unknown>>, name: string): string | null {
  return Object.hasOwn(rows, name) ? null : JSON.stringify(name);
}

/** The spec from values that the schemas have accepted. */
function pipelineSpec(
  value: Record<string, unknown>,
  parameters: Parameters,
  drafts: readonly Draft[],
  graph: Graph,
): PipelineSpec {
  const schedule = value["schedule"] as Partial<ScheduleSpec> | undefined;
  const tests = value["tests"] as TestSpec[] | undefined;
  const run = runSpec((value["run"] ?? {}) as Partial<RunSpec>);
  return {
    name: value["name"] as string,
    parameters: Object.fromEntries(parameters) as PipelineSpec["parameters"],
    connections: (value["connections"] ?? {}) as PipelineSpec["connections"],
    operators: drafts.map((draft) => operatorNode(draft, graph.inputs.get(draft)!, boundsOf(run))),
    run,
    plugins: (value["plugins"] ?? []) as string[],
    ...(schedule === undefined ? {} : { schedule: { cron: schedule.cron!, timeZone: schedule.timeZone ?? "UTC" } }),
    ...(tests === undefined ? {} : { tests }),
  };
}

function runSpec(run: Partial<RunSpec>): RunSpec {
  return {
    trigger: run.trigger ?? "once",
    seed: run.seed ?? 0,
    onEnd: run.onEnd ?? "hold",
    ...boundsOf(run),
    ...(run.checkpoint === undefined ? {} : { checkpoint: run.checkpoint }),
    ...(run.invalidRatioMax === undefined ? {} : { invalidRatioMax: run.invalidRatioMax }),
    ...(run.memoryBytesMax === undefined ? {} : { memoryBytesMax: run.memoryBytesMax }),
    ...(run.tempDirectory === undefined ? {} : { tempDirectory: run.tempDirectory }),
  };
}
