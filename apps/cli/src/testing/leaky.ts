import { batches } from "@sferic/bindings/batch";
import { column, defineSource, OperatorError, schema, secretField, type Source } from "@sferic/operator";
import { z } from "zod";

const columns = schema([column("name", "utf8")]);

/** The fields of {@link leaky}'s connection, with the secrets in their places. */
interface Settings {
  readonly user: string;
  readonly password: string;
  readonly seal: string;
}

/** A plug-in that says its secrets wherever it can: in warnings, reasons and errors, in the ways of different libraries. */
export const leaky = defineSource({
  type: "leaky",
  since: "0.1.0",
  status: "experimental",
  summary: "Report all secrets of the connection.",
  connection: {
    type: "vault",
    config: z.strictObject({ url: z.string(), user: z.string(), password: secretField, seal: secretField }),
  },
  config: z.strictObject({
    fails: z.boolean().default(false),
    apiKey: z.string().optional(),
    label: z.string().optional(),
    rows: z.array(z.string()).default(["row"]),
  }),
  output: (config, context) => {
    context.warn?.("leaky", `planned with ${JSON.stringify(config)}`);
    return { main: columns };
  },
  errors: ["leaky"],
  examples: [],
  create: (config, { connection, warn }): Source => {
    const { user, password, seal } = connection!.config as Settings;
    const said = [
      JSON.stringify(connection),
      `vault://${user}:${encodeURIComponent(password)}@host?token=${encodeURIComponent(seal)}`,
      `Basic ${Buffer.from(`${user}:${password}`).toString("base64")} ${Buffer.from(seal).toString("hex")}`,
      `${password.slice(0, 12)}…`,
      JSON.stringify(config),
    ].join("; ");
    return {
      latestOffset: (previous) => Promise.resolve(previous === null ? 1 : null),
      async *read() {
        warn?.("leaky", said);
        yield { invalid: { name: "piece\u001B[2J\u202E", reason: said, position: null } };
        yield batches.fromRows(
          columns,
          config.rows.map((name) => ({ name })),
        );
        if (!config.fails) return;
        const cause = Object.assign(new TypeError(said), { request: { headers: { authorization: password } } });
        throw new OperatorError({ code: "leaky", message: said, domain: "internal", details: { said } }, { cause });
      },
    };
  },
});
