import type { ClusterAsyncOptions } from './cluster-options.interface.js';
import { closest } from './did-you-mean.js';
import { type Problem, refusal, show } from './problem.js';

const WAYS = ['useFactory', 'useClass', 'useExisting'] as const;
const LISTS = ['imports', 'inject', 'extraProviders'] as const;
const KEYS: readonly string[] = [...WAYS, ...LISTS];

/**
 * Checks the options of `forRootAsync`: there must be exactly one way to get the options, and no unknown key.
 *
 * @throws ClusterOptionsError that lists all problems.
 */
export function validateAsyncOptions(input: unknown): ClusterAsyncOptions {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    const remedy = `expected an object with one of ${WAYS.join(', ')}`;
    throw refusal('ClusterModule.forRootAsync', [{ path: 'options', got: show(input, true), remedy }]);
  }
  const given = new Map(Object.entries(input).filter(([, value]) => value !== undefined));
  const found = [...unknownKeys(given), ...wrongTypes(given), ...wrongWays(given)];
  if (found.length > 0) throw refusal('ClusterModule.forRootAsync', found);
  return input;
}

type Given = ReadonlyMap<string, unknown>;

function unknownKeys(given: Given): Problem[] {
  return [...given]
    .filter(([key]) => !KEYS.includes(key))
    .map(([path, value]) => {
      const near = closest(path, KEYS);
      const hint = near ? `did you mean ${near}?` : `known here: ${KEYS.join(', ')}`;
      return { path, got: show(value, true), remedy: `no such option, ${hint}` };
    });
}

function wrongTypes(given: Given): Problem[] {
  const wrong = (keys: readonly string[], right: (value: unknown) => boolean, remedy: string): Problem[] =>
    keys
      .filter((key) => given.has(key) && !right(given.get(key)))
      .map((path) => ({ path, got: show(given.get(path)), remedy }));
  return [
    ...wrong(['useFactory'], (value) => typeof value === 'function', 'expected a function that returns the options'),
    ...wrong(['useClass', 'useExisting'], (value) => typeof value === 'function', 'expected a class'),
    ...wrong(LISTS, Array.isArray, 'expected an array'),
  ];
}

function wrongWays(given: Given): Problem[] {
  const ways = WAYS.filter((way) => given.has(way));
  const problems: Problem[] = [];
  if (ways.length !== 1) {
    const got = ways.length === 0 ? 'none of them' : ways.join(' and ');
    problems.push({ path: WAYS.join(' | '), got, remedy: 'expected exactly one of the three' });
  }
  // Nest would silently ignore the dependencies.
  if (given.has('inject') && ways.length === 1 && ways[0] !== 'useFactory') {
    problems.push({
      path: 'inject',
      got: show(given.get('inject')),
      remedy: `expected it beside useFactory, not ${ways[0]}`,
    });
  }
  return problems;
}
