const secretName =
  /(password|passwd|passphrase|secret|token|accesskey|privatekey|apikey|credentials?)(value|text|pem)?$/;

/** Whether a field of this name holds a secret: `password`, `secretAccessKey`, `sasl_token`; not `accessKeyId`. */
export function isSecretName(name: string): boolean {
  return secretName.test(name.toLowerCase().replaceAll(/[-_.]/g, ""));
}

/** A line of a spec with the text of its secret fields replaced by `*`, one for each character. Works on broken JSON. */
export function maskSecrets(line: string): string {
  return line.replaceAll(
    /(["']?)([\w.-]+)\1(\s*:\s*)("(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s"'{[,}]+)/g,
    (whole, quote: string, name: string, colon: string, value: string) =>
      isSecretName(name) ? `${quote}${name}${quote}${colon}${value.replaceAll(/[^"'\s]/gu, "*")}` : whole,
  );
}
