import { dirname, resolve } from "node:path";
import {
  asOperatorError,
  ConfigError,
  type ConfigProblem,
  type Definition,
  type Delivery,
  type EventTime,
  type Format,
  invalidSchema,
  type OutputMode,
  type PlanContext,
  type PortSchemas,
  type Registry,
  requireOperator,
  Schema,
  type SinkDefinition,
  type SourceDefinition,
  type Streaming,
  type TransformDefinition,
  type Warn,
} from "@sferic/operator";
import type { Secrets } from "@sferic/operator/secrets";
import {
  type Issue,
  type OperatorNode,
  parseSpec,
  type PipelineSpec,
  type Reference,
  type SpecDocument,
  sortIssues,
} from "@sferic/spec";
import { type PinnedSchemas, readPinnedSchemas } from "./checkpoint/pinned-schemas.ts";
import { hasWideSums } from "./checkpoint/identity.ts";
import { boundProblems } from "./bounds.ts";
import { lackOf, missingInputOf } from "./missing-inputs.ts";
import { fileUrlProblems, resolvePath } from "./paths.ts";
import { portProblems } from "./ports.ts";
import { epochScopeIssues, streamedOperators } from "./epoch-scope.ts";
import { modeProblems, modesOf } from "./output-modes.ts";
import type { Trigger } from "./run-options.ts";
import { testIssues } from "./test-issues.ts";
import { sharedOutputProblems } from "./shared-outputs.ts";
import { eventTimeOf, eventTimesOf, watermarkProblems } from "./watermarks.ts";

/** One operator, ready to be created. */
export interface PlannedOperator {
  readonly node: OperatorNode;
  readonly definition: SourceDefinition | TransformDefinition | SinkDefinition;
  /** The operator's own fields, checked, with defaults. */
  readonly config: unknown;
  /** Schema per input name; null where only the data will tell. */
  readonly inputs: Readonly<Record<string, Schema | null>>;
  /** Schema per output port; empty for a sink. */
  readonly outputs: PortSchemas;
  /** Mode of the sinks that read it, unless it is `append`. */
  readonly outputMode?: OutputMode;
  /** What its rows are late by, where something upstream declares it. */
  readonly eventTime?: EventTime;
}

/** What a run follows: operators in an order in which every input stands before its readers. */
export interface Plan {
  readonly spec: PipelineSpec;
  readonly document: SpecDocument;
  readonly operators: readonly PlannedOperator[];
  readonly registry: Registry;
  /** Folder from which relative paths count. */
  readonly baseDirectory: string;
  /** Columns of sources that nothing declares, for the checkpoint to keep. */
  readonly pins: PinnedSchemas;
  /** Whether sums of integers are decimal128(38, 0), as the checkpoint began with them. */
  readonly wideSums: boolean;
  /** Where secrets of connections are looked up. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface PlanOptions {
  readonly registry: Registry;
  /** Path of the spec, for messages, for relative paths, and because only `.jsonc` may hold comments. */
  readonly file?: string;
  /** Folder from which relative paths count; the file's folder, or the working folder, by default. */
  readonly baseDirectory?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Where the secrets are kept that planning and running meet, for a caller who keeps them out of texts too. */
  readonly secrets?: Secrets;
  /**
   * Loads the operators of one entry of the spec's `plugins`, a path from the folder or a package name; this runs code
   * that the spec names. Without it plugins are not loaded and a warning says so.
   */
  readonly loadPlugin?: (name: string, baseDirectory: string) => Promise<readonly Definition[]>;
  /** Whether sources may be opened to learn schemas that nothing declares. Default false. */
  readonly probe?: boolean;
  /** With `probe`: whether an input that is not there is an issue. Default true. */
  readonly requiresInputs?: boolean;
  /**
   * Checkpoint of the run that is planned, if it is not the spec's. Columns that nothing declares are those that it
   * keeps, if sources may be opened.
   */
  readonly checkpoint?: string;
  /** Wins over the spec's. */
  readonly trigger?: Trigger;
}

/** The secrets of a plan's spec and, once it ran, of its connections: errors, events and results go without them. */
export function secretsOf({ document }: Pick<Plan, "document">): Secrets {
  return document.secrets.values;
}

/** A plan, or null when an issue is an error; the issues are sorted by place. */
export interface PlanResult {
  readonly plan: Plan | null;
  readonly document: SpecDocument;
  readonly issues: readonly Issue[];
}

/** Parses a spec (JSON text, or an object) and plans it. Never throws for what the spec says; every mistake is an issue. */
export async function planPipeline(spec: string | object, options: PlanOptions): Promise<PlanResult> {
  const text = typeof spec === "string" ? spec : JSON.stringify(spec, null, 2);
  const { loadPlugin, environment = process.env } = options;
  const baseDirectory = resolve(options.baseDirectory ?? (options.file === undefined ? "." : dirname(options.file)));
  const parsed = await parseSpec(text, {
    registry: options.registry,
    ...(options.file === undefined ? {} : { file: options.file }),
    comments: options.file?.endsWith(".jsonc") ?? false,
    parameters: { ...options.parameters },
    environment: { ...environment },
    ...(options.secrets === undefined ? {} : { secrets: options.secrets }),
    ...(loadPlugin === undefined ? {} : { loadPlugin: (name) => loadPlugin(name, baseDirectory) }),
  });
  const { document, registry } = parsed;
  // Operators without errors are planned in any case: they may have mistakes that only their columns show.
  const { soundPart } = parsed;
  if (soundPart === null) return { plan: null, document, issues: parsed.issues };
  const planner = new Planner(soundPart, document, registry, baseDirectory, options);
  const operators = await planner.operators();
  const plan = {
    spec: soundPart,
    document,
    operators,
    registry,
    baseDirectory,
    pins: planner.pins,
    wideSums: planner.wideSums,
    environment,
  };
  const scope = epochScopeIssues(soundPart, operators, document);
  const issues = sortIssues([...parsed.issues, ...planner.issues, ...testIssues(plan), ...scope]);
  const failed = issues.some((issue) => issue.severity === "error");
  return { plan: failed ? null : plan, document, issues };
}

/** The format a `format` field names, created with its checked configuration; paths in it count from `baseDirectory`. */
export async function createFormat(
  registry: Registry,
  config: { readonly type: string },
  baseDirectory: string,
): Promise<Format> {
  const { type, ...own } = config;
  const definition = await requireOperator(registry, "format", type);
  return definition.create(definition.config.parse(own), { resolvePath: (path) => resolvePath(baseDirectory, path) });
}

/** How often a row of this sink can become visible, given whether a checkpoint survives. */
export function deliveryOf(definition: SinkDefinition, durable: boolean): Delivery {
  return durable ? definition.delivery.guarantee : "at-least-once";
}

type PlanProblem = ConfigProblem & { readonly severity?: Issue["severity"] };

class Planner {
  readonly issues: Issue[] = [];
  readonly pins: Record<string, Schema> = {};
  readonly #spec: PipelineSpec;
  readonly #document: SpecDocument;
  readonly #registry: Registry;
  #context: PlanContext;
  readonly #planned = new Map<string, PlannedOperator>();
  readonly #checkpoint: string | undefined;
  readonly #isEndless: boolean;
  readonly #requiresInputs: boolean;
  readonly #trigger: Trigger;
  readonly #modes: ReadonlyMap<string, ReadonlySet<OutputMode>>;
  readonly #eventTimes: ReadonlyMap<string, EventTime>;
  /** Operators to which rows come that are given once. */
  readonly #streamed: ReadonlySet<string>;
  #pinned: PinnedSchemas = {};

  constructor(
    spec: PipelineSpec,
    document: SpecDocument,
    registry: Registry,
    baseDirectory: string,
    options: PlanOptions,
  ) {
    const { probe = false, checkpoint = spec.run.checkpoint, trigger = spec.run.trigger } = options;
    this.#requiresInputs = probe && options.requiresInputs !== false;
    this.#trigger = trigger;
    this.#spec = spec;
    this.#isEndless = trigger !== "once";
    this.#modes = modesOf(spec.operators);
    this.#eventTimes = eventTimesOf(spec.operators);
    this.#streamed = streamedOperators(spec.operators);
    this.#checkpoint = checkpoint;
    this.#document = document;
    this.#registry = registry;
    this.#context = {
      probe,
      resolvePath: (path) => resolvePath(baseDirectory, path),
      format: (config) => createFormat(registry, config, baseDirectory),
    };
  }

  get wideSums(): boolean {
    return this.#context.wideSums ?? false;
  }

  async operators(): Promise<PlannedOperator[]> {
    const [wrong] = fileUrlProblems(this.#spec.run.checkpoint, "/run/checkpoint");
    if (wrong !== undefined) this.issues.push(this.#document.issueAt(wrong));
    else await this.#readPinned();
    for (const node of inDataflowOrder(this.#spec.operators)) this.#planned.set(node.id, await this.#plan(node));
    this.#reportAt(await sharedOutputProblems([...this.#planned.values()], this.#context));
    return [...this.#planned.values()];
  }

  async #readPinned(): Promise<void> {
    if (!this.#context.probe || this.#checkpoint === undefined) return;
    try {
      const directory = this.#context.resolvePath(this.#checkpoint);
      this.#pinned = await readPinnedSchemas(directory);
      this.#context = { ...this.#context, wideSums: await hasWideSums(directory) };
    } catch (thrown) {
      this.issues.push(this.#document.issueAt({ ...problemOf(thrown), pointer: "/run/checkpoint" }));
    }
  }

  async #plan(node: OperatorNode): Promise<PlannedOperator> {
    const definition = await requireOperator(this.#registry, node.kind, node.type);
    const config = definition.config.parse(node.config);
    const inputs = Object.fromEntries(
      Object.entries(node.inputs).map(([name, references]) => [name, this.#inputSchema(node, name, references)]),
    );
    this.#report(node, modeProblems(node, definition, config, this.#planned, this.#modes));
    this.#report(node, portProblems(node, this.#planned));
    if (definition.kind === "source") this.#reportAt(boundProblems(node, definition, config, this.#spec.run));
    const urlProblems = fileUrlProblems(node.config, "");
    this.#report(node, urlProblems);
    if (definition.kind === "source" && urlProblems.length === 0) await this.#reportMissing(node, definition, config);
    const own = urlProblems.length > 0 ? {} : await this.#outputs(node, definition, config, inputs);
    this.#report(node, watermarkProblems(node, definition, own["main"] ?? null));
    const isAhead = node.watermark?.futureSkewMax !== undefined;
    const outputs = isAhead ? { invalid: invalidSchema, ...own } : own;
    return { node, definition, config, inputs, outputs, ...this.#modeOf(node), ...this.#timeOf(node) };
  }

  async #reportMissing(node: OperatorNode, definition: SourceDefinition, config: unknown): Promise<void> {
    if (!this.#requiresInputs) return;
    try {
      const missing = await missingInputOf({ definition, config }, this.#context);
      if (missing === null) return;
      const { waits, message } = lackOf(missing, this.#trigger);
      const { pointer } = missing;
      this.#report(node, [{ code: "missing-input", severity: waits ? "warning" : "error", message, pointer }]);
    } catch (thrown) {
      this.#report(node, thrown instanceof ConfigError ? thrown.problems : [problemOf(thrown)]);
    }
  }

  /** Schema of the rows of all references together; they must agree in names and types. */
  #inputSchema(node: OperatorNode, input: string, references: readonly Reference[]): Schema | null {
    const [first, ...others] = references.map((reference) => this.#schemaOf(reference));
    if (first === undefined || first === null) return null;
    let union = first;
    for (const [index, other] of others.entries()) {
      if (other === null) return null;
      if (shapeOf(union) !== shapeOf(other)) {
        const [a, b] = [references[0]!, references[index + 1]!].map(({ operator, port }) => `"${operator}.${port}"`);
        const message = `${a} and ${b} have different columns: ${shapeOf(first)} and ${shapeOf(other)}`;
        this.#report(node, [
          { code: "schema-mismatch", message, pointer: input === "main" ? "/from" : `/from/${input}` },
        ]);
        return null;
      }
      const nullable = (name: string): boolean => other.column(name)!.nullable;
      union = new Schema(union.columns.map((one) => ({ ...one, nullable: one.nullable || nullable(one.name) })));
    }
    return union;
  }

  #schemaOf({ operator, port }: { operator: string; port: string }): Schema | null {
    return this.#planned.get(operator)?.outputs[port] ?? null;
  }

  #timeOf(node: OperatorNode): { eventTime?: EventTime } {
    const eventTime = node.kind === "transform" ? this.#eventTimes.get(node.id) : undefined;
    return eventTime === undefined ? {} : { eventTime };
  }

  #streamsOf({ inputs }: OperatorNode): Streaming["inputs"] {
    const timeOf = ({ operator }: Reference): EventTime | undefined => {
      const { watermark } = this.#planned.get(operator)!.node;
      return watermark === undefined ? this.#eventTimes.get(operator) : eventTimeOf(watermark);
    };
    const streams = Object.entries(inputs).map(([name, references]) => {
      const isStream = references.some(({ operator }) => this.#streamed.has(operator));
      const times = references.map(timeOf);
      const eventTime = times.includes(undefined) ? undefined : times[0];
      return [name, { isStream, ...(eventTime === undefined ? {} : { eventTime }) }] as const;
    });
    return Object.fromEntries(streams);
  }

  #modeOf(node: OperatorNode): { outputMode?: OutputMode } {
    const [mode] = this.#modes.get(node.id) ?? [];
    return node.kind === "source" || mode === undefined || mode === "append" ? {} : { outputMode: mode };
  }

  async #outputs(
    node: OperatorNode,
    definition: PlannedOperator["definition"],
    config: unknown,
    inputs: Record<string, Schema | null>,
  ): Promise<PortSchemas> {
    try {
      if (definition.kind === "source") return await this.#sourceOutputs(node, definition, config);
      const known = Object.values(inputs).every((schema) => schema !== null);
      if (!known) return {};
      const schemas = inputs as Record<string, Schema>;
      if (definition.kind === "transform") {
        const { outputMode = "append" } = this.#modeOf(node);
        const streaming = {
          outputMode,
          ...this.#timeOf(node),
          isEndless: this.#isEndless,
          inputs: this.#streamsOf(node),
        };
        return await definition.output(schemas, config, { ...this.#context, streaming });
      }
      await definition.accept?.(schemas, config, this.#context);
    } catch (thrown) {
      this.#report(node, thrown instanceof ConfigError ? thrown.problems : [problemOf(thrown)]);
      if (thrown instanceof ConfigError) return thrown.ports;
    }
    return {};
  }

  async #sourceOutputs(node: OperatorNode, definition: SourceDefinition, config: unknown): Promise<PortSchemas> {
    const pinned = this.#pinned[node.id];
    const pin = (schema: Schema): void => void (this.pins[node.id] = schema);
    const warn: Warn = (code, message, at = "") =>
      this.#report(node, [{ code, message, pointer: at, severity: "warning" }]);
    const context = { ...this.#context, pin, ...(this.#requiresInputs ? { warn } : {}) };
    const outputs = await definition.output(config, { ...context, ...(pinned && { pinned }) });
    const main = outputs["main"] ?? null;
    if (pinned !== undefined && main !== null && shapeOf(main) !== shapeOf(pinned)) {
      const message = `the checkpoint was begun with the columns ${shapeOf(pinned)}, and now they are ${shapeOf(main)}; declare them as they were, or start anew with an empty checkpoint and empty outputs`;
      this.#report(node, [{ code: "pinned-schema", message, pointer: "" }]);
    }
    return outputs;
  }

  #report(node: OperatorNode, problems: readonly PlanProblem[]): void {
    this.#reportAt(problems.map((problem) => ({ ...problem, pointer: node.pointer + problem.pointer })));
  }

  #reportAt(problems: readonly PlanProblem[]): void {
    this.issues.push(...problems.map((problem) => this.#document.issueAt(problem)));
  }
}

function problemOf(thrown: unknown): ConfigError["problems"][number] {
  const { code, message } = asOperatorError(thrown);
  return { code, message, pointer: "" };
}

function shapeOf({ columns }: Schema): string {
  return columns.map(({ name, type }) => `${name} ${type}`).join(", ");
}

/** Operators ordered so that each stands after those it reads from. */
function inDataflowOrder(nodes: readonly OperatorNode[]): OperatorNode[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const ordered = new Set<OperatorNode>();
  const visit = (node: OperatorNode): void => {
    if (ordered.has(node)) return;
    for (const { operator } of Object.values(node.inputs).flat()) visit(byId.get(operator)!);
    ordered.add(node);
  };
  nodes.forEach(visit);
  return [...ordered];
}
