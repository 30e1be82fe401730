import { inspect } from 'node:util';
import { ClusterOptionsError } from '../errors/errors.js';
import { oneLine } from '../errors/printable.js';

/** How many characters of a refused value an error message shows. */
const SHOWN = 80;

/** How many items of a list, or keys of an object, an error message shows. */
const MOST_SHOWN = 5;

/** One thing that is wrong with the options. */
export interface Problem {
  /** Dotted path of the option, e.g. `restart.minDelay`. */
  readonly path: string;
  /** The value that was given, as `show` formats it. */
  readonly got: string;
  /** What is allowed, or what to do instead. */
  readonly remedy: string;
}

/** Characters that occur in an address with credentials, or in an environment setting. */
const MAYBE_SECRET = /[@=]|:\/\//;

/**
 * Formats a refused value for an error message: short, on one line, and without anything that may be a secret. Objects
 * are shown by their keys only.
 *
 * @param isSecret whether any string in the value may be a password, as in unknown options
 */
export function show(value: unknown, isSecret = false): string {
  if (typeof value === 'string') return isSecret || MAYBE_SECRET.test(value) ? ofLength(value) : shortened(value);
  if (Array.isArray(value)) {
    const items = value.slice(0, MOST_SHOWN).map((item: unknown) => show(item, isSecret || typeof item === 'object'));
    const more = value.length > MOST_SHOWN ? [`${value.length - MOST_SHOWN} more`] : [];
    return items.length === 0 ? '[]' : `[ ${[...items, ...more].join(', ')} ]`;
  }
  if (typeof value !== 'object' || value === null) return shortened(value);
  const keys = isPlain(value) ? Object.keys(value) : [];
  if (!isPlain(value)) return `a ${oneLine(nameOf(value))}`;
  const shown = keys.slice(0, MOST_SHOWN).map((key) => oneLine(key.slice(0, SHOWN)));
  return keys.length === 0 ? '{}' : `an object with ${shown.join(', ')}${keys.length > MOST_SHOWN ? ', …' : ''}`;
}

function shortened(value: unknown): string {
  const line = oneLine(inspect(value, { depth: 0, maxStringLength: SHOWN - 2, breakLength: Infinity }));
  return line.length > SHOWN ? `${line.slice(0, SHOWN - 1)}…` : line;
}

const ofLength = ({ length }: string): string => `a text of ${length} characters, which may hold a secret`;

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function nameOf(value: object): string {
  return (Object.getPrototypeOf(value) as { constructor?: { name?: string } } | null)?.constructor?.name ?? 'object';
}

/** Creates one error for all problems. */
export function refusal(call: string, problems: readonly Problem[]): ClusterOptionsError {
  const lines = problems.map(({ path, got, remedy }) => `  ${oneLine(path)}: got ${got}; ${remedy}`);
  return new ClusterOptionsError(`${call} was given options it cannot use:\n${lines.join('\n')}`);
}
