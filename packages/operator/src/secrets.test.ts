import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { OperatorError } from "./errors.ts";
import { isSecretName, maskRanges, Secrets } from "./secrets.ts";

function knowing(...values: unknown[]): Secrets {
  const secrets = new Secrets();
  for (const value of values) secrets.add(value);
  return secrets;
}

describe("isSecretName", () => {
  it.each([
    "password",
    "secretAccessKey",
    "sasl_token",
    "client-secret",
    "privateKey",
    "API_KEY",
    "credentials",
    "pass",
    "db.pwd",
    "accountKey",
    "secret_key",
    "Authorization",
    "passwords",
  ])("knows %s", (name) => {
    expect(isSecretName(name)).toBe(true);
  });

  it.each(["accessKeyId", "tokenUrl", "passwordFile", "region", "tokenize", "keys", "secretName", "bypass", "compass"])(
    "passes %s",
    (name) => {
      expect(isSecretName(name)).toBe(false);
    },
  );
});

const value = `p@ss/w "ö" 'x'\\1`;

describe("scrub", () => {
  it.each([
    ["itself", value],
    ["JSON", JSON.stringify(value).slice(1, -1)],
    ["JSON in JSON", JSON.stringify(JSON.stringify(value)).slice(3, -3)],
    [
      "JSON in ASCII",
      JSON.stringify(value)
        .slice(1, -1)
        .replace("ö", String.raw`\u00F6`),
    ],
    ["a URL", encodeURIComponent(value)],
    ["a URL in small letters", encodeURIComponent(value).toLowerCase()],
    ["a form", new URLSearchParams({ x: value }).toString().slice(2)],
    ["a URL in a URL", encodeURIComponent(encodeURIComponent(value))],
    ["HTML", value.replaceAll('"', "&quot;").replaceAll("'", "&#39;")],
    ["SQL", value.replaceAll("'", "''")],
    ["the inspection of Node", inspect(value).slice(1, -1)],
    ["base64", Buffer.from(value).toString("base64")],
    ["base64 for URLs", Buffer.from(value).toString("base64url")],
    ["base64 with the user", Buffer.from(`me:${value}`).toString("base64")],
    ["base64 of SASL", Buffer.from(`\0user\0${value}`).toString("base64")],
    ["hexadecimal digits", Buffer.from(`a${value}`).toString("hex").toUpperCase()],
  ])("finds a secret as %s", (_, text) => {
    expect(knowing(value).scrub(`login as me with ${text} failed`)).toBe("login as me with *** failed");
  });

  it("finds what a text was cut off in", () => {
    expect(knowing("hunter2-canary").scrub('must be an object, not "hunter2-c…')).toBe('must be an object, not "***…');
    expect(knowing("hunter2-canary").scrub("not hunt...")).toBe("not ***...");
  });

  it("finds the lines of a key, and the pieces of a long text", () => {
    const lines = [
      "-----BEGIN PRIVATE KEY-----",
      "MIGHAgEAMBMGByqGSM49",
      "AgEGCCqGSM49AwEHBG0w",
      "-----END PRIVATE KEY-----",
    ];
    expect(knowing(lines.join("\n")).scrub(`bad line: ${lines[2]}`)).toBe("bad line: ***");
    const long = Array.from({ length: 40 }, (_, index) => `part-${index * 7919}`).join("~");
    expect(knowing(long).scrub(`token ${long.slice(0, 200)}`)).not.toMatch(/part-\d+~part/);
  });

  it("leaves very short ones, and takes short ones as words", () => {
    expect(knowing("abc").scrub("abc")).toBe("abc");
    expect(knowing("test", 1234).scrub("latest test, 12345 and 1234")).toBe("latest ***, 12345 and ***");
    expect(knowing("test").scrub("user%3Atest%40host")).toBe("user%3A***%40host");
  });

  it("finds passwords of URLs that nobody named", () => {
    const secrets = new Secrets();
    expect(secrets.scrub("cannot open s3://me:p4ss@word@bucket/x: refused")).toBe(
      "cannot open s3://me:***@bucket/x: refused",
    );
    expect(secrets.scrub("https://h/x?user=me&access_token=abc&sig=x%2F#y")).toBe(
      "https://h/x?user=me&access_token=***&sig=***#y",
    );
    const plain = "http://localhost:9092/a@b and mail me@host: 5 = 5, postgres://me@host/db?region=eu";
    expect(secrets.scrub(plain)).toBe(plain);
  });

  it("takes a text of any characters as a text", () => {
    const wild = String.raw`^a.*(b|c)[d]{2}$\/?+`;
    expect(knowing(wild).scrub(`x${wild}y abb`)).toBe("x***y abb");
  });
});

describe("maskRanges", () => {
  it("keeps the places of characters", () => {
    const text = 'a "s3cr3t-😀" b';
    expect(maskRanges(text, knowing("s3cr3t-😀").rangesIn(text))).toBe('a "********" b');
  });
});

describe("scrubbed", () => {
  it("leaves what holds no secret as it is", () => {
    const error = new OperatorError({ code: "x", message: "y", details: { a: [1] } }, { cause: new Error("z") });
    const data = { error, list: [1, { b: "c" }], date: new Date(0), none: null };
    expect(knowing("hunter2-canary").scrubbed(data)).toBe(data);
  });

  it("goes into objects, lists and keys, and takes known numbers below a secret name", () => {
    const data = { a: ["x hunter2-canary"], "hunter2-canary": 1, pin: 12345678, password: 12345678, token: 5 };
    expect(knowing("hunter2-canary", 12345678).scrubbed(data)).toEqual({
      a: ["x ***"],
      "***": 1,
      pin: 12345678,
      password: "***",
      token: 5,
    });
  });

  it("goes into errors, their causes, stacks and own fields", () => {
    const cause = Object.assign(new TypeError("no hunter2-canary"), { code: "E", request: { url: "hunter2-canary" } });
    const many = new AggregateError([cause], "several");
    const error = new OperatorError(
      {
        code: "failed",
        message: "hunter2-canary",
        domain: "external",
        operatorId: "o",
        details: { x: "hunter2-canary" },
      },
      { cause: many },
    );
    const clean = knowing("hunter2-canary").scrubbed(error);
    expect(clean).toBeInstanceOf(OperatorError);
    expect(clean.toJSON()).toEqual({ ...error.toJSON(), message: "***", details: { x: "***" } });
    expect(inspect(clean, { depth: 20, showHidden: true })).not.toContain("hunter2");
    expect(((clean.cause as AggregateError).errors[0] as Error).name).toBe("TypeError");
    expect(clean.stack).toContain("secrets.test.ts");
  });

  it("ends where a value holds itself", () => {
    const loop: { self?: unknown; text: string } = { text: "hunter2-canary" };
    loop.self = loop;
    expect(knowing("hunter2-canary").scrubbed(loop)).toEqual({ self: "***", text: "***" });
  });
});
