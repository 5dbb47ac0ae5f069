import { describe, expect, it } from "vitest";
import { isSecretName, maskSecrets } from "./secret.ts";

describe("isSecretName", () => {
  it.each(["password", "secretAccessKey", "sasl_token", "client-secret", "privateKey", "API_KEY", "credentials"])(
    "knows %s",
    (name) => {
      expect(isSecretName(name)).toBe(true);
    },
  );

  it.each(["accessKeyId", "tokenUrl", "passwordFile", "region", "tokenize", "keys", "secretName"])(
    "passes %s",
    (name) => {
      expect(isSecretName(name)).toBe(false);
    },
  );
});

describe("maskSecrets", () => {
  it("keeps the width of the line", () => {
    expect(maskSecrets('"password": "a\\"b c", "user": "me"')).toBe('"password": "**"* *", "user": "me"');
    expect(maskSecrets("{ token: abc, 'apiKey': 'x y")).toBe("{ token: ***, 'apiKey': '* *");
  });

  it("masks what stands in an object, a list or a number", () => {
    expect(maskSecrets('"password": { "s3cr3t": [1] }, "user": 1')).toBe('"password": { "******"* [*] }, "user": 1');
    expect(maskSecrets('"sasl": { "user": "me", "password": 1234 }')).toBe(
      '"sasl": { "user": "me", "password": **** }',
    );
    expect(maskSecrets('"token": ["s3", 5')).toBe('"token": ["**"* *');
  });

  it("leaves references readable", () => {
    expect(maskSecrets('"password": { "env": "PW" }')).toBe('"password": { "env": "PW" }');
  });
});
