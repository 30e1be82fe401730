import type { z } from 'zod';
import type { ResolvedClusterOptions } from './cluster-options.interface.js';
import { closest } from './did-you-mean.js';
import { MAX_PAYLOAD_OF_ENGINE, MAX_WORKERS } from '../platform/limits.js';
import { OPTION_PATHS, optionsSchema } from './options.schema.js';
import { type Problem, refusal, show } from './problem.js';

const CALL = 'ClusterModule';

/**
 * Returns the options with all defaults filled in. Accepts what `forRoot` accepts: the number of workers, an object,
 * or nothing.
 *
 * @throws ClusterOptionsError that lists all problems: path, value and what is allowed.
 */
export function resolveOptions(input: unknown): ResolvedClusterOptions {
  const options = typeof input === 'number' ? { workers: input } : input === undefined ? {} : input;
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    const remedy = `expected the number of workers (a whole number from 0 to ${MAX_WORKERS}) or an object of options`;
    throw refusal(CALL, [{ path: 'options', got: show(input, true), remedy }]);
  }
  const { data, error } = optionsSchema.safeParse(options);
  if (error) throw refusal(CALL, problems(error.issues, options));
  return {
    ...data,
    enabled: data.enabled,
    primary: data.primary,
    logger: data.logger,
    onUncaughtException: data.onUncaughtException,
    onUnhandledRejection: data.onUnhandledRejection,
    restart: { ...data.restart, maxCrashes: data.restart.maxCrashes },
    messenger: { ...data.messenger, maxPayload: maxPayload(data.messenger, options) },
  };
}

/** With an engine the default is lower: a broker's own limit is usually 1 MiB, for names and payload together. */
function maxPayload({ engine, maxPayload }: ResolvedClusterOptions['messenger'], options: object): number {
  const isGiven = at(options, ['messenger', 'maxPayload']) !== undefined;
  return engine === undefined || isGiven ? maxPayload : MAX_PAYLOAD_OF_ENGINE;
}

/** Reports one problem per option: -1.5 is below the minimum and not a whole number, but that is one mistake. */
function problems(issues: readonly z.core.$ZodIssue[], options: object): Problem[] {
  const found = new Map<string, Problem>();
  for (const problem of issues.flatMap((issue) => problemsOf(issue, options))) {
    if (!found.has(problem.path)) found.set(problem.path, problem);
  }
  return [...found.values()];
}

function problemsOf(issue: z.core.$ZodIssue, options: object): Problem[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey([...issue.path, key], options));
  return [{ path: dotted(issue.path), got: received(issue.path, options), remedy: issue.message }];
}

/** The refused value. If the user did not write it, it is a default that contradicts another option. */
function received(path: readonly PropertyKey[], options: object): string {
  const value = at(options, path);
  const byDefault = value === undefined && OPTION_PATHS.includes(dotted(path));
  return byDefault ? `${show(at(optionsSchema.parse({}), path))} (the default)` : show(value, isSecret(path));
}

function unknownKey(path: readonly PropertyKey[], options: object): Problem {
  const key = String(path.at(-1));
  const section = dotted(path.slice(0, -1));
  const siblings = OPTION_PATHS.filter((option) => sectionOf(option) === section).map(nameOf);
  const near = closest(key, siblings);
  const meant = near ? [dotted([...path.slice(0, -1), near])] : OPTION_PATHS.filter((option) => nameOf(option) === key);
  const hint = meant.length > 0 ? `did you mean ${meant.join(' or ')}?` : `known here: ${siblings.join(', ')}`;
  return { path: dotted(path), got: show(at(options, path), true), remedy: `no such option, ${hint}` };
}

/** Strings in these options are the user's own and may be secrets. */
const isSecret = (path: readonly PropertyKey[]) =>
  /^(messenger\.engine|fork\.(env|args|execArgv|exec))(\.|$)/.test(dotted(path));

const dotted = (path: readonly PropertyKey[]) => path.map(String).join('.');
const sectionOf = (option: string) => option.slice(0, Math.max(0, option.lastIndexOf('.')));
const nameOf = (option: string) => option.slice(option.lastIndexOf('.') + 1);

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key], value);
}
