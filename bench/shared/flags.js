import { parseArgs } from 'node:util';

/**
 * Command line flags from a table `{ name: { default, help, quick?, allowed? } }`. The default's type is the
 * flag's type: a boolean, a number, a string, or a list written with commas. With `--quick`, where there is
 * one, a flag that is not given takes its `quick` value. Unknown flags and values end the process with the usage.
 */
export function readFlags(usage, flags) {
  const kinds = Object.entries(flags).map(([name, { default: value }]) => [
    name,
    { type: typeof value === 'boolean' ? 'boolean' : 'string' },
  ]);
  try {
    const { values } = parseArgs({ options: { ...Object.fromEntries(kinds), help: { type: 'boolean' } } });
    if (values.help) return leave(usage, flags, 0);
    return Object.fromEntries(
      Object.entries(flags).map(([name, { default: value, quick = value, allowed }]) => {
        const preset = values.quick ? quick : value;
        return [name, name in values ? parse(name, values[name], value, allowed) : preset];
      }),
    );
  } catch (error) {
    console.error(error.message);
    return leave(usage, flags, 2);
  }
}

function parse(name, text, like, allowed) {
  if (typeof like === 'boolean') return text;
  if (typeof like === 'string') return text;
  if (typeof like === 'number') return number(name, text);
  const items = text.split(',').filter(Boolean);
  const wrong = allowed && items.find((item) => !allowed.includes(item));
  if (wrong !== undefined) throw new Error(`--${name} ${wrong}: expected some of ${allowed.join(', ')}.`);
  return typeof like[0] === 'number' ? items.map((item) => number(name, item)) : items;
}

function number(name, text) {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} ${text}: expected a number over 0.`);
  return value;
}

function leave(usage, flags, code) {
  const lines = Object.entries(flags).map(([name, { default: value, help }]) => {
    const preset = typeof value === 'boolean' ? '' : ` (${Array.isArray(value) ? value.join(',') : value})`;
    return `  --${name.padEnd(12)} ${help}${preset}`;
  });
  console.log(`${usage}\n\n${lines.join('\n')}`);
  process.exit(code);
}
