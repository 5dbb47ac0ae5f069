/** What a terminal would obey or not show: controls, what changes the direction of writing, line separators, tags, half characters. */
const hidden = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\u206A-\u206F\u{E0000}-\u{E007F}]/gu;

/**
 * The text for a terminal: every character that would act on it, or hide on it, is written as `\u001b`, a tag character as
 * two such units. `kept` names those that stay, such as line breaks. Inside the texts of JSON the meaning stays.
 */
export function visible(text: string, kept = ""): string {
  return text.replace(hidden, (character) => (kept.includes(character) ? character : escaped(character)));
}

function escaped(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
