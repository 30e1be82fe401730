/** What moves a terminal's cursor, colours what follows, or turns the order of what is read. */
const CONTROL = /[^\P{Cc}\t]|[\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/gu;

/** The rest of an indented text, or of what is inspected: it cannot be taken for a line of its own. */
const CONTINUES = /^(?: {2}|\t|[}\])])/;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r' };

function escaped(character: string): string {
  const code = character.codePointAt(0)!.toString(16);
  return SHORT[character] ?? (code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`);
}

/** Text of others as a log or a terminal may have it, on one line: control characters are written out. */
export function oneLine(text: string): string {
  return text.search(CONTROL) < 0 ? text : text.replaceAll(CONTROL, escaped);
}

/**
 * Text in which there may be text of others, such as a message that quotes one: control characters are written out, and
 * so are newlines, but for those before an indented line, as in stacks and lists. So no part of it begins a line of a log.
 */
export function printable(text: string): string {
  if (text.search(CONTROL) < 0) return text;
  return text.replaceAll(CONTROL, (character, at: number) =>
    character === '\n' && CONTINUES.test(text.slice(at + 1, at + 3)) ? '\n' : escaped(character),
  );
}

/** Lines of others, each indented, as they stand in a message below a sentence about them. */
export function quotedLines(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => `  ${oneLine(line)}`)
    .join('\n');
}
