/** A call and what it gives for each row of the list's table, or for all of them together. */
interface Example {
  readonly expression: string;
  readonly answers: readonly (string | number | boolean | null)[];
}

/** The functions that expressions share with Spark, as the tests of the kernel hold them. */
export interface SharedFunctions {
  readonly answeredBy: string;
  readonly table: {
    readonly columns: Readonly<Record<string, string>>;
    readonly rows: readonly Example["answers"][];
  };
  readonly groups: readonly {
    readonly title: string;
    readonly functions: readonly {
      readonly name: string;
      readonly call: string;
      readonly meaning: string;
      readonly examples: readonly Example[];
    }[];
  }[];
  readonly differences: readonly (Example & { readonly why: string; readonly instead: string })[];
}

/** The reference page of the functions, as Markdown. */
export function functionsPage({ answeredBy, table, groups, differences }: SharedFunctions): string {
  const names = Object.keys(table.columns);
  const types = Object.entries(table.columns).map(([name, type]) => `\`${name}\` is ${type}`);
  const sections = [
    "# Functions of expressions",
    `Expressions are SQL in DuckDB's dialect, and may call any function of DuckDB that neither reads the clock or files nor draws at random. Those listed here mean the same to Spark, if need be under another name: the tests compare every example with what ${answeredBy} answers. Times are in UTC.`,
    `The examples are about these rows; ${types.join(", ")}.`,
    markdownTable(
      names,
      table.rows.map((row) => row.map(answerText)),
    ),
    ...groups.flatMap(({ title, functions }) => [
      `## ${title}`,
      markdownTable(
        ["function", "means", "for example"],
        functions.map(({ call, meaning, examples }) => [
          code(call),
          cell(meaning),
          examples.map(exampleText).join("<br>"),
        ]),
      ),
    ]),
    "## Not the same in Spark",
    markdownTable(
      ["expression", "difference", "instead"],
      differences.map(({ expression, why, instead }) => [code(expression), cell(why), cell(instead)]),
    ),
  ];
  return `<!-- Generated from the kernel's list of functions by \`npm run docs\`. -->\n\n${sections.join("\n\n")}\n`;
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return lines.join("\n");
}

function exampleText({ expression, answers }: Example): string {
  return `${code(expression)} → ${answers.map(answerText).join(", ")}`;
}

function answerText(answer: Example["answers"][number]): string {
  if (typeof answer === "number" && !Number.isInteger(answer)) return String(Number(answer.toPrecision(6)));
  return typeof answer === "string" ? code(`'${answer}'`) : String(answer);
}

function code(text: string): string {
  return `\`${cell(text)}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
