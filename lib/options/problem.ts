import { inspect } from 'node:util';
import { ClusterOptionsError } from '../errors/errors.js';
import { oneLine } from '../errors/printable.js';

/** Characters of a refused value that an error message shows. */
const SHOWN = 80;

/** Items of a list, or keys of an object, that it shows. */
const MOST_SHOWN = 5;

/** One thing that is wrong with the options. */
export interface Problem {
  /** Dotted path of the option, e.g. `restart.minDelay`. */
  readonly path: string;
  /** What was given there, as `show` put it. */
  readonly got: string;
  /** What is allowed, or what to do instead. */
  readonly remedy: string;
}

/** What belongs to an address with credentials in it, or to a setting of some environment. */
const MAYBE_SECRET = /[@=]|:\/\//;

/**
 * A refused value as an error message shows it: short, on one line, and without what may be a secret. Of objects only the
 * keys are told.
 *
 * @param isSecret whether any text in it may be a password, as in options that nobody knows
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

/** The one error for all that is wrong. */
export function refusal(call: string, problems: readonly Problem[]): ClusterOptionsError {
  const lines = problems.map(({ path, got, remedy }) => `  ${oneLine(path)}: got ${got}; ${remedy}`);
  return new ClusterOptionsError(`${call} was given options it cannot use:\n${lines.join('\n')}`);
}
