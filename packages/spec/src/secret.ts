const secretName =
  /(password|passwd|passphrase|secret|token|accesskey|privatekey|apikey|credentials?)(value|text|pem)?$/;

/** Whether a field of this name holds a secret: `password`, `secretAccessKey`, `sasl_token`; not `accessKeyId`. */
export function isSecretName(name: string): boolean {
  return secretName.test(name.toLowerCase().replaceAll(/[-_.]/g, ""));
}

/**
 * A line of a spec with what stands in its secret fields replaced by `*`, one for each character, but for the names of
 * where a secret is. Works on broken JSON.
 */
export function maskSecrets(line: string): string {
  return line.replaceAll(
    /(["']?)([\w.-]+)\1(\s*:\s*)("(?:[^"\\]|\\.)*"?|'[^']*'?|\{[^}]*\}?|\[[^\]]*\]?|[^\s"'{[,}]+)/g,
    (whole, quote: string, name: string, colon: string, value: string) => {
      if (!isSecretName(name)) return value.startsWith("{") ? maskedInside(whole, value) : whole;
      const masked = isReference(value) ? value : value.replaceAll(/[^"'\s{}[\]]/gu, "*");
      return `${quote}${name}${quote}${colon}${masked}`;
    },
  );
}

/** A field that holds an object in which there may be secret fields. */
function maskedInside(field: string, object: string): string {
  return `${field.slice(0, -object.length)}{${maskSecrets(object.slice(1))}`;
}

function isReference(value: string): boolean {
  return /^\{\s*"(env|file)"\s*:\s*"[^"]*"\s*\}?$/.test(value);
}
