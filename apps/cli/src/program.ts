import { Argument, Command, Option } from "commander";
import { addParameter, parseCount, parsePath, parseWhole, withoutValues } from "./arguments.ts";
import type { ExitCode } from "./exit-code.ts";
import type { CommonOptions } from "./failure.ts";
import type { Terminal } from "./terminal.ts";
import { version } from "./version.ts";

/** Runs a command that has been told its options; its code is loaded by then and not before. */
type Action<O extends CommonOptions> = (options: O, ...args: string[]) => Promise<ExitCode>;

const exitCodes = `
Exit codes: 0 done, 1 run failed, 2 spec invalid or wrong usage, 3 checkpoint, 4 locked by another run,
5 stopped to prevent data loss, 130 interrupted.`;

/** All commands with their options and help. `finish` gets what a command comes to. */
export function createProgram(
  terminal: Terminal,
  finish: (options: CommonOptions, outcome: Promise<ExitCode>) => Promise<void>,
): Command {
  const program = new Command("sferic")
    .description("Runs dataflow pipelines that are written as JSON.")
    .version(version(), "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .helpCommand("help [command]", "show help for a command")
    .addHelpText("after", exitCodes)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.write(text),
      writeErr: (text) => terminal.note(text.trimEnd()),
      outputError: (text, write) => write(withoutValues(text)),
    })
    .showSuggestionAfterError();
  const runs = <O extends CommonOptions>(command: Command, action: Action<O>): void => {
    command
      .option("--json", "print JSON on standard output")
      .option("--verbose", "show where an internal error happened")
      .action((...args: unknown[]) => {
        const given = args.slice(0, -2) as string[];
        const options = command.opts<O>();
        return finish(options, action(options, ...given));
      });
  };
  addSpecCommands(program, terminal, runs);
  addWhyCommand(program, terminal, runs);
  addTestCommands(program, terminal, runs);
  addCatalogueCommands(program, terminal, runs);
  addCheckpointCommands(program, terminal, runs);
  addDeadLetterCommands(program, terminal, runs);
  addDeltaCommands(program, terminal, runs);
  addMachineCommands(program, terminal, runs);
  return program;
}

type Runs = <O extends CommonOptions>(command: Command, action: Action<O>) => void;

function addSpecCommands(program: Command, terminal: Terminal, runs: Runs): void {
  runs(
    program
      .command("init")
      .description("Write a pipeline to begin with, and input to run it on. Without a name: list what there is.")
      .argument("[template]", "name of the pipeline")
      .option("--out <file>", "where to write it; <template>.json by default", parsePath)
      .option("--force", "overwrite files that are there")
      .addHelpText(
        "after",
        `
The satellite pipelines need a Kafka broker: each says what else. npm run demo:satellites runs all of them in a checkout.
${examples("sferic init", "sferic init lightning-stream && sferic run lightning-stream.json")}`,
      ),
    async (options: never, template) => (await import("./commands/init.ts")).init(terminal, template, options),
  );
  runs(
    withSpec(program.command("check"), "Say everything that is wrong with a spec, at once.")
      .addOption(
        new Option("--level <level>", "static touches nothing, connect opens sources, sample reads a few rows")
          .choices(["static", "connect", "sample"])
          .default("static"),
      )
      .option("--fix", "put right what has one obvious fix (standard input goes to standard output)")
      .addHelpText("after", examples("sferic check pipeline.json", "sferic check --level sample pipeline.json")),
    async (options: never, spec) => (await import("./commands/check.ts")).check(terminal, spec!, options),
  );
  runs(
    withPlan(
      withSpec(program.command("explain"), "Show the graph, columns with units, bounds and guarantees."),
    ).addHelpText("after", examples("sferic explain pipeline.json")),
    async (options: never, spec) => (await import("./commands/explain.ts")).explain(terminal, spec!, options),
  );
  runs(
    withSpec(program.command("preview"), "Show the first rows at one operator. No sink is opened.")
      .argument("<operator>", "operator id, or id.port; for a sink, what it would get")
      .option("--rows <n>", "how many rows", parseCount, 20)
      .addHelpText("after", examples("sferic preview pipeline.json clusters.centroids --rows 5")),
    async (options: never, spec, target) =>
      (await import("./commands/preview.ts")).preview(terminal, spec!, target!, options),
  );
  runs(
    withPlan(withSpec(program.command("run"), "Run a spec to the end of its trigger."))
      .addOption(new Option("--engine <engine>", "what runs it").choices(["local", "spark"]).default("local"))
      .option("--max-epochs <n>", "stop after this many epochs", parseCount)
      .addHelpText(
        "after",
        `${examples("sferic run pipeline.json --param hour=2018-07-02T04:00:00Z", "sferic run pipeline.json --trigger 5s")}
Ctrl-C, or SIGTERM, finishes the epoch in work and stops; a second one gives it up.`,
      ),
    async (options: never, spec) => (await import("./commands/run.ts")).run(terminal, spec!, options),
  );
}

/** What tells about runs that were, without running anything. */
function addWhyCommand(program: Command, terminal: Terminal, runs: Runs): void {
  runs(
    withSpec(
      program.command("why"),
      "Say why windows have not closed (what is open, which source holds the watermark back, what it waits for), and which operators take the time.",
    )
      .argument("[operator]", "operator id; all that remember something by default")
      .option("--checkpoint <dir>", "checkpoint folder; wins over the spec", parsePath)
      .addHelpText(
        "after",
        `
Read from the newest committed epoch of the checkpoint, also while a run lives on it. Nothing is run.
${examples("sferic why pipeline.json", "sferic why pipeline.json sums --json")}`,
      ),
    async (options: never, spec, operator) =>
      (await import("./commands/why.ts")).why(terminal, spec!, operator, options),
  );
}

/** What finds mistakes without the user's own outputs. */
function addTestCommands(program: Command, terminal: Terminal, runs: Runs): void {
  runs(
    withSpec(program.command("test"), "Run the tests in a spec on the rows they give. Nothing is opened or written.")
      .option("--filter <text>", "only tests with this text in their name")
      .addHelpText(
        "after",
        `
A test gives rows per source and expects rows per operator, or "id.port", or sink. Rows come in any order; only the
columns that the expected rows name are compared. Ends with 1 when a test fails.
${examples("sferic test pipeline.json", 'sferic test pipeline.json --filter "bad quality"')}`,
      ),
    async (options: never, spec) => (await import("./commands/test.ts")).test(terminal, spec!, options),
  );
  runs(
    withSpec(
      program.command("torture"),
      "Kill a copy of the pipeline at every step and at random, and count lost and doubled rows.",
    )
      .option("--kills <n>", "kills at random moments, beside those at every step", parseWhole, 20)
      .option("--seed <n>", "chooses the random moments", parseWhole, 1)
      .addHelpText(
        "after",
        `
Inputs are read in place; outputs and checkpoint go to a folder for temporary files, and to no other place. Every kill is
a SIGKILL of the whole process. The rows are compared as multisets with those of a run that nothing disturbs. Ends with 1
when rows were lost, or doubled though the sink promises exactly-once; what is wrong then stays to be looked at.
${examples("sferic torture pipeline.json", "sferic torture pipeline.json --kills 1000 --seed 7")}`,
      ),
    async (options: never, spec) => (await import("./commands/torture.ts")).tortureSpec(terminal, spec!, options),
  );
}

function addCatalogueCommands(program: Command, terminal: Terminal, runs: Runs): void {
  runs(
    program
      .command("operators")
      .description("List the operators, or show the fields, ports, errors and examples of one.")
      .argument("[type]", "operator type"),
    async (options, type) => (await import("./commands/operators.ts")).operators(terminal, type, options),
  );
  runs(
    program
      .command("formats")
      .description("List the file formats, or show everything about one.")
      .argument("[type]", "format type"),
    async (options, type) => (await import("./commands/operators.ts")).formats(terminal, type, options),
  );
  runs(
    program
      .command("schema")
      .description("Print the JSON Schema of specs, with all operators.")
      .option("--out <file>", "write it to a file", parsePath),
    async (options: never) => (await import("./commands/schema.ts")).schema(terminal, options),
  );
}

function addCheckpointCommands(program: Command, terminal: Terminal, runs: Runs): void {
  const checkpoint = program.command("checkpoint").description("Look at a checkpoint, repair it, or start it anew.");
  const load = (): Promise<typeof import("./commands/checkpoint.ts")> => import("./commands/checkpoint.ts");
  const verdict =
    "\nEnds with 3 when no run would start on it; a torn newest record, which a run sets aside, is a warning.";
  runs(
    withFolder(
      checkpoint.command("show"),
      "Show whose it is, its epochs, offsets, outputs and who holds its lock.",
    ).addHelpText("after", `${verdict}${examples("sferic checkpoint show out/.checkpoint")}`),
    async (options, folder) => (await load()).showCheckpoint(terminal, folder!, options),
  );
  runs(
    withFolder(checkpoint.command("verify"), "Read every record and check it. Nothing is changed.").addHelpText(
      "after",
      verdict,
    ),
    async (options, folder) => (await load()).verifyCheckpoint(terminal, folder!, options),
  );
  runs(
    withFolder(checkpoint.command("repair"), "Say what would put it right, and with --yes do it.")
      .option("--yes", "do it; files are set aside or written again, never deleted")
      .addHelpText(
        "after",
        `
A torn newest record is set aside, as the next run would. An older one is rebuilt where the records around it prove what
it said. What an operator remembered cannot be rebuilt: when a file of it is lost, the operator begins anew, and
windows that are open miss earlier rows. Ends with 3 when something is beyond repair; then nothing is done.${examples("sferic checkpoint repair out/.checkpoint")}`,
      ),
    async (options: never, folder) => (await load()).repair(terminal, folder!, options),
  );
  runs(
    withFolder(checkpoint.command("reset"), "Move it aside, so that the next run starts from the beginning.").option(
      "--yes",
      "do it; outputs stay, and have to be emptied before the next run",
    ),
    async (options: never, folder) => (await load()).reset(terminal, folder!, options),
  );
  runs(
    withFolder(checkpoint.command("unlock"), "Free it from a run that is gone but cannot be seen to be.")
      .option("--yes", "do it; a run that lives after all ends before its next record")
      .addHelpText(
        "after",
        `
A lock ends with the process that holds it, also in a container that was killed; this is for what is left: a lock of a
machine that cannot be reached, or of an earlier version in a container that is gone. Where the holder wrote a
heartbeat, it is watched for 30 seconds first. Ends with 4 while the holder is seen to live.${examples("sferic checkpoint unlock out/.checkpoint --yes")}`,
      ),
    async (options: never, folder) => (await load()).unlock(terminal, folder!, options),
  );
}

function addDeadLetterCommands(program: Command, terminal: Terminal, runs: Runs): void {
  const dlq = program
    .command("dlq")
    .description("Look at dead letters, input that could not be read, and replay them.");
  const load = (): Promise<typeof import("./commands/dlq.ts")> => import("./commands/dlq.ts");
  const where =
    "\nThe folder is a checkpoint or, for runs without one, .sferic/dead-letters/<pipeline> beside the spec.";
  runs(
    withFolder(dlq.command("list"), "Count dead letters per epoch and source.").addHelpText("after", where),
    async (options, folder) => (await load()).listDeadLetters(terminal, folder!, options),
  );
  runs(
    withFolder(dlq.command("show"), "Show each dead letter with name, position and reason.")
      .option("--source <id>", "only those of this source")
      .addHelpText("after", where),
    async (options: never, folder) => (await load()).showDeadLetters(terminal, folder!, options),
  );
  runs(
    withSpec(dlq.command("replay"), "Read the input of dead letters again, and take what it gives into the outputs.")
      .option("--checkpoint <dir>", "checkpoint folder; wins over the spec", parsePath)
      .option("--source <id>", "only the dead letters of this source")
      .addHelpText(
        "after",
        `
Correct the input first: a file under its old name. Files are read as they are now and go through the whole pipeline as
one more epoch on the checkpoint. When that epoch is committed their letters are removed; what still cannot be read gets
a new letter. It may be killed at any moment: the next replay or run finishes it, and no row is lost or doubled.
Letters about single rows stay, because the other rows of the file are in the outputs already.${examples("sferic dlq replay pipeline.json")}`,
      ),
    async (options: never, spec) => (await import("./commands/dlq-replay.ts")).replayLetters(terminal, spec!, options),
  );
}

function addDeltaCommands(program: Command, terminal: Terminal, runs: Runs): void {
  const delta = program.command("delta").description("Look at a Delta Lake table, and keep it in order.");
  const load = (): Promise<typeof import("./commands/delta.ts")> => import("./commands/delta.ts");
  const target = 134_217_728;
  runs(
    withTable(delta.command("show"), "Show its version, columns, files, size, properties and features.")
      .option("--table-version <n>", "as it was at this version", parseWhole)
      .addHelpText("after", examples("sferic delta show out/points", "sferic delta show out/points --json")),
    async (options: never, table) => (await load()).showDelta(terminal, table!, options),
  );
  runs(
    withTable(delta.command("history"), "List its versions, newest first, as far as the log goes back.")
      .option("--limit <n>", "how many versions", parseCount, 20)
      .addHelpText("after", examples("sferic delta history out/points --limit 5")),
    async (options: never, table) => (await load()).deltaHistory(terminal, table!, options),
  );
  runs(
    withTable(delta.command("optimize"), "Put small files together, and drop deleted rows from files.")
      .option("--target-bytes <n>", "size of a file; one of half of it is large enough", parseCount, target)
      .addOption(
        new Option("--compression <codec>", "of the new files")
          .choices(["zstd", "snappy", "lz4", "none"])
          .default("snappy"),
      )
      .addHelpText(
        "after",
        `
One commit that changes no rows; who appends meanwhile is not disturbed. The old files stay for earlier versions until
they are vacuumed.${examples("sferic delta optimize out/points")}`,
      ),
    async (options: never, table) => (await load()).optimizeDelta(terminal, table!, options),
  );
  runs(
    withTable(delta.command("vacuum"), "Remove files that its newest version does not need, once they are old.")
      .option("--retain-hours <n>", "how old; 168, or what the table asks for, by default", parseWhole)
      .option("--force", "allow less than that: readers, and runs that go on, may miss files")
      .option("--dry-run", "say what would be removed")
      .addHelpText(
        "after",
        `
Earlier versions can no longer be read then. A run that was stopped for longer than that within an epoch cannot go on.
Files that are neither Parquet nor deletion vectors are left alone, and so are names that begin with . or _.${examples("sferic delta vacuum out/points --dry-run")}`,
      ),
    async (options: never, table) => (await load()).vacuumDelta(terminal, table!, options),
  );
}

function withTable(command: Command, description: string): Command {
  return command.description(description).argument("<table>", "folder of the table", parsePath);
}

function addMachineCommands(program: Command, terminal: Terminal, runs: Runs): void {
  runs(
    program
      .command("completion")
      .description("Print a script that completes commands, options, operator types and ids in a shell.")
      .addArgument(
        new Argument("<shell>", "the shell, or words for what may stand next").choices([
          "bash",
          "zsh",
          "fish",
          "words",
        ]),
      )
      .argument("[words...]", "for words: the arguments so far")
      .addHelpText("after", examples("source <(sferic completion bash)", "sferic completion words -- preview --ro")),
    async (options, shell, ...words) =>
      (await import("./commands/completion.ts")).completion(terminal, program, shell!, words.flat(), options),
  );
  runs(
    program
      .command("demo")
      .description("Run the two lightning pipelines on the granules of this repository.")
      .option("--out <dir>", "folder for the results", parsePath, "./sferic-demo")
      .option("--open", "open the report when it is done"),
    async (options: never) => (await import("./commands/demo.ts")).demo(terminal, options),
  );
  runs(
    program.command("doctor").description("Look at this machine: versions, native core, memory, disk, clock."),
    async (options) => (await import("./commands/doctor.ts")).doctor(terminal, options),
  );
}

function withSpec(command: Command, description: string): Command {
  return command
    .description(description)
    .argument("<spec>", "path of the spec, or - for standard input", parsePath)
    .option("--param <name=value>", "value of a parameter (repeatable)", addParameter);
}

function withFolder(command: Command, description: string): Command {
  return command.description(description).argument("<folder>", "path of the folder", parsePath);
}

function withPlan(command: Command): Command {
  return command
    .option("--trigger <when>", "once, available-now, or a duration such as 5s; wins over the spec")
    .option("--checkpoint <dir>", "checkpoint folder; wins over the spec", parsePath);
}

function examples(...lines: string[]): string {
  return `\nFor example:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}
