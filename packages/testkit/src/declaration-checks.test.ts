import { defineTransform } from "@sferic/operator";
import { z } from "zod";
import {
  type DeclarationSubject,
  declarationChecks,
  everyFieldIsDescribed,
  examplesAreValidConfigurations,
  hasAnExample,
  namesAreKebabCase,
  summaryIsOneSentence,
  unknownFieldsAreRefused,
} from "./declaration-checks.ts";
import { describeDoubles } from "./testing/doubles.ts";

function declared(
  changes: Partial<DeclarationSubject["definition"]>,
  config: z.ZodType = z.strictObject({ rowsMax: z.int().min(1).describe("Most rows to keep.") }),
): DeclarationSubject {
  const definition = defineTransform({
    type: "keep-some",
    since: "0.1.0",
    status: "experimental",
    summary: "Keep some rows.",
    needs: "batch",
    config,
    errors: ["too-few-rows"],
    examples: [{ title: "Ten", config: { rowsMax: 10 } }],
    output: ({ main }) => ({ main: main! }),
    create: () => ({ apply: (rows) => rows }),
  });
  return { definition: { ...definition, ...changes } as DeclarationSubject["definition"] };
}

const inner = z.strictObject({ count: z.int() }).describe("How many.");

describeDoubles(declarationChecks, declared({}), [
  {
    breaks: summaryIsOneSentence,
    defect: "two sentences",
    subject: declared({ summary: "Keep rows. Drop others." }),
    message: /one sentence, not "Keep rows\. Drop others\."/,
  },
  {
    breaks: summaryIsOneSentence,
    defect: "no full stop",
    subject: declared({ summary: "Keep some rows" }),
    message: /one sentence, not "Keep some rows"/,
  },
  {
    breaks: everyFieldIsDescribed,
    defect: "a field of a field has no description",
    subject: declared({}, z.strictObject({ rows: inner })),
    message: /must have a description[^]*\/rows\/count/,
  },
  {
    breaks: hasAnExample,
    defect: "no example",
    subject: declared({ examples: [] }),
    message: /must have an example/,
  },
  {
    breaks: examplesAreValidConfigurations,
    defect: "an example that the configuration refuses",
    subject: declared({ examples: [{ title: "None", config: { rowsMax: 0 } }] }),
    message: /example "None" must be a valid configuration[^]*rowsMax/,
  },
  {
    breaks: namesAreKebabCase,
    defect: "a type in camel case",
    subject: declared({ type: "keepSome" }),
    message: /"keepSome" must be kebab-case/,
  },
  {
    breaks: namesAreKebabCase,
    defect: "an error code with an underscore",
    subject: declared({ errors: ["fine", "too_few"] }),
    message: /"too_few" must be kebab-case/,
  },
  {
    breaks: unknownFieldsAreRefused,
    defect: "a configuration that takes any field",
    subject: declared({}, z.looseObject({ rowsMax: z.int() })),
    message: /example "Ten" with the unknown field "noSuchField" must be refused/,
  },
]);
