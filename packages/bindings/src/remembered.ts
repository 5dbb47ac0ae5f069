/** Characters of arguments that one function remembers at most: a process that plans without end keeps no more. */
const charactersMax = 4_000_000;

/**
 * Returns the same function with a memory of what it returned for equal arguments, which must be JSON and decide the result alone. The
 * oldest are evicted. What it throws is not remembered.
 */
export function remembered<A extends readonly unknown[], R>(call: (...args: A) => R): (...args: A) => R {
  const results = new Map<string, R>();
  let characters = 0;
  return (...args) => {
    const key = JSON.stringify(args);
    const known = results.get(key);
    if (known !== undefined) return known;
    const result = call(...args);
    results.set(key, result);
    characters += key.length;
    for (const oldest of results.keys()) {
      if (characters <= charactersMax) break;
      results.delete(oldest);
      characters -= oldest.length;
    }
    return result;
  };
}
