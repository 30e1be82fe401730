/** Characters that move a terminal's cursor, colour the text after them, or reverse the reading order. */
const CONTROL = /[^\P{Cc}\t]|[\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/gu;

/** The start of a line that continues indented or inspected text, so nobody takes it for a log line of its own. */
const CONTINUES = /^(?: {2}|\t|[}\])])/;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r' };

function escaped(character: string): string {
  const code = character.codePointAt(0)!.toString(16);
  return SHORT[character] ?? (code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`);
}

/** Makes untrusted text safe for a log or a terminal, on one line: control characters are escaped. */
export function oneLine(text: string): string {
  return text.search(CONTROL) < 0 ? text : text.replaceAll(CONTROL, escaped);
}

/**
 * Makes a text safe that may quote untrusted text. Control characters are escaped, and so are newlines, except before
 * an indented line, as in stacks and lists. So no quoted part can begin a new log line.
 */
export function printable(text: string): string {
  if (text.search(CONTROL) < 0) return text;
  return text.replaceAll(CONTROL, (character, at: number) =>
    character === '\n' && CONTINUES.test(text.slice(at + 1, at + 3)) ? '\n' : escaped(character),
  );
}

/** Indents each line of untrusted text, to stand in a message below a sentence about it. */
export function quotedLines(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => `  ${oneLine(line)}`)
    .join('\n');
}
