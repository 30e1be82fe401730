import type { DynamicModule, Type } from '@nestjs/common';
import { constants, hostname } from 'node:os';
import { z } from 'zod';
import type { EngineProvider } from '../bus/engine.interface.js';
import { environmentName } from '../platform/environment.js';
import type { ResolvedClusterOptions } from './cluster-options.interface.js';
import { MAX_DELAY, MAX_PAYLOAD, MAX_WORKERS, MIN_LEASE } from '../platform/limits.js';

const MAX_ID = 2 ** 32 - 1;
const MAX_PORT = 2 ** 16 - 1;
const MAX_PROXIES = 16;
const NAME = '1 to 64 letters, digits and -';

/** Signals that already have a meaning for the primary, or that no process can handle. */
const TAKEN: Readonly<Record<string, string>> = {
  SIGTERM: 'a graceful shutdown',
  SIGINT: 'a graceful shutdown',
  SIGTTIN: 'one worker more',
  SIGTTOU: 'one worker less',
  SIGKILL: 'an end that no process can handle',
  SIGSTOP: 'a stop that no process can handle',
};
const STDIO = ['pipe', 'overlapped', 'ignore', 'inherit', 'ipc'];

/** Every message of this schema says what is allowed; resolveOptions adds the value and the path. */
const fail = (allowed: string) => ({ error: `expected ${allowed}` });

const whole = (min: number, max: number, what = 'a whole number') => {
  const error = fail(`${what} from ${min} to ${max}`);
  return z.int(error).min(min, error).max(max, error);
};
const count = (min: number) => {
  const error = fail(`a whole number, ${min} or more`);
  return z.int(error).min(min, error);
};
const bytes = () => {
  const error = fail('a whole number of bytes, 1 or more');
  return z.int(error).min(1, error);
};
const ms = (min: number) => {
  const error = fail(`a number of ms from ${min} to ${MAX_DELAY}`);
  return z.number(error).min(min, error).max(MAX_DELAY, error);
};
const share = () => {
  const error = fail('a number from 0 to 1');
  return z.number(error).min(0, error).max(1, error);
};
const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, fail(values.map((value) => `'${value}'`).join(' or ')));
const boolean = () => z.boolean(fail('true or false'));
const string = () => z.string(fail('a string'));
const strings = () => z.array(string(), fail('an array of strings'));
const callback = <T>() => z.custom<T>((value) => typeof value === 'function', fail('a function'));

/** An object with these keys and no others. */
function section<S extends z.core.$ZodLooseShape>(shape: S) {
  return z.strictObject(shape, fail(`an object that may hold ${Object.keys(shape).join(', ')}`));
}

/** Refuses a value that contradicts another value of the same section. */
function contradiction<T>(wrong: (value: T) => boolean, key: keyof T & string, remedy: (value: T) => string) {
  return z.check<T>((context) => {
    const { value, issues } = context;
    if (wrong(value)) issues.push({ code: 'custom', path: [key], message: remedy(value), input: value });
  });
}

const stdioEntry = z.custom<string | number | null | undefined>(
  (value) =>
    value === null ||
    value === undefined ||
    (typeof value === 'string' && STDIO.includes(value)) ||
    (Number.isInteger(value) && (value as number) >= 0),
  fail(`${STDIO.map((entry) => `'${entry}'`).join(', ')}, a file descriptor or null`),
);

const fork = section({
  exec: string().optional(),
  args: strings().optional(),
  execArgv: strings().optional(),
  cwd: string().optional(),
  env: z
    .record(
      z.string(),
      z.string(fail('a string, or undefined to leave it out')).optional(),
      fail('an object of strings'),
    )
    .optional(),
  silent: boolean().optional(),
  stdio: z
    .array(stdioEntry, fail("an array with exactly one 'ipc', such as ['ignore', 'inherit', 'inherit', 'ipc']"))
    .refine((entries) => entries.filter((entry) => entry === 'ipc').length === 1, fail("exactly one 'ipc' in it"))
    .optional(),
  uid: whole(0, MAX_ID).optional(),
  gid: whole(0, MAX_ID).optional(),
  inspectPort: z
    .union([whole(0, MAX_PORT), callback<() => number>()], fail(`a port from 0 to ${MAX_PORT}, or a function`))
    .optional(),
  serialization: oneOf(['json', 'advanced']).optional(),
  windowsHide: boolean().optional(),
});

const startup = section({ timeout: ms(1).default(60_000), compileCache: boolean().default(false) });

const restart = section({
  minDelay: ms(0).default(100),
  maxDelay: ms(0).default(30_000),
  resetAfter: ms(0).default(60_000),
  maxCrashes: count(0).optional(),
  window: ms(1).default(60_000),
}).check(
  contradiction(
    ({ minDelay, maxDelay }) => maxDelay < minDelay,
    'maxDelay',
    ({ minDelay }) => `expected at least restart.minDelay (${minDelay})`,
  ),
);

const shutdown = section({
  delay: ms(0).default(0),
  timeout: ms(0).default(30_000),
  killAfter: ms(0).default(5_000),
});

const signal = z
  .custom<NodeJS.Signals>((name) => Object.hasOwn(constants.signals, String(name)), {
    ...fail("the name of a signal, such as 'SIGHUP'"),
    abort: true,
  })
  .refine((name) => !Object.hasOwn(TAKEN, name), {
    error: ({ input }) => `expected a signal that is free: this one means ${TAKEN[String(input)]}`,
  });

const reload = section({
  surge: whole(1, MAX_WORKERS).default(1),
  canaryTime: ms(0).default(2_000),
  onFailure: oneOf(['keep', 'rollback']).default('keep'),
  signals: z.array(signal, fail("an array of signals, such as ['SIGHUP']")).default(['SIGHUP', 'SIGUSR2']),
});

const watchdog = section({
  interval: ms(1).default(1_000),
  suspectAfter: ms(1).default(3_000),
  killAfter: ms(1).default(30_000),
}).check(
  contradiction(
    ({ suspectAfter, interval }) => suspectAfter <= interval,
    'suspectAfter',
    ({ interval }) => `expected more than watchdog.interval (${interval})`,
  ),
  contradiction(
    ({ killAfter, suspectAfter }) => killAfter <= suspectAfter,
    'killAfter',
    ({ suspectAfter }) => `expected more than watchdog.suspectAfter (${suspectAfter})`,
  ),
);

const recycle = section({
  memory: bytes().optional(),
  requests: count(1).optional(),
  age: ms(1).optional(),
  jitter: share().default(0.2),
  minLifetime: ms(0).default(60_000),
});

const sticky = section({ proxies: whole(0, MAX_PROXIES).default(0) });

/** Each broker allows other characters in names; all of them allow these. */
const name = () => z.string(fail(NAME)).regex(/^[A-Za-z0-9-]{1,64}$/, fail(NAME));

const engine = z.custom<EngineProvider>(
  (value) => typeof (value as { create?: unknown } | null | undefined)?.create === 'function',
  fail("an engine, such as nats({ servers }) of 'nestjs-cluster/nats'"),
);

const messenger = section({
  timeout: ms(1).default(30_000),
  maxPayload: bytes().default(MAX_PAYLOAD),
  queueLimit: bytes().default(8_388_608),
  engine: engine.optional(),
  cluster: name().default('default'),
  environment: name().default(environmentName),
  host: z
    .string(fail('a name'))
    .min(1, fail('a name'))
    .default(() => hostname()),
  lease: ms(MIN_LEASE).default(10_000),
}).check(
  contradiction(
    ({ queueLimit, maxPayload }) => queueLimit < maxPayload,
    'queueLimit',
    ({ maxPayload }) =>
      `expected at least messenger.maxPayload (${maxPayload}), or a large payload could never be sent`,
  ),
);

const nestModule = z.custom<Type<unknown> | DynamicModule>(
  (value) =>
    typeof value === 'function' ||
    (typeof value === 'object' && value !== null && typeof (value as { module?: unknown }).module === 'function'),
  fail('a module class, or a dynamic module ({ module, … })'),
);

const LEVELS: readonly string[] = ['log', 'error', 'warn', 'debug', 'verbose', 'fatal'];
const METHODS = ['log', 'warn', 'error'] as const;

const logger = z.custom<NonNullable<ResolvedClusterOptions['logger']>>(
  (value) => {
    if (value === false || value === 'json') return true;
    if (Array.isArray(value)) return value.every((level) => LEVELS.includes(level as string));
    const methods = value as Record<string, unknown> | null | undefined;
    return typeof value === 'object' && METHODS.every((name) => typeof methods?.[name] === 'function');
  },
  fail(`a logger with the methods ${METHODS.join(', ')}; an array of levels (${LEVELS.join(', ')}); 'json' or false`),
);

/** The options as a user may write them; parsing fills in all defaults. */
export const optionsSchema = section({
  workers: whole(0, MAX_WORKERS).default(0),
  enabled: boolean().optional(),
  contexts: boolean().default(false),
  primary: nestModule.optional(),
  inheritAppConfig: boolean().default(false),
  logger: logger.optional(),
  listen: oneOf(['auto', 'reuse-port', 'round-robin', 'shared', 'sticky']).default('auto'),
  sticky: sticky.prefault({}),
  fork: fork.prefault({}),
  startup: startup.prefault({}),
  restart: restart.prefault({}),
  shutdown: shutdown.prefault({}),
  reload: reload.prefault({}),
  watchdog: watchdog.prefault({}),
  recycle: recycle.prefault({}),
  messenger: messenger.prefault({}),
  onUncaughtException: callback<NonNullable<ResolvedClusterOptions['onUncaughtException']>>().optional(),
  onUnhandledRejection: callback<NonNullable<ResolvedClusterOptions['onUnhandledRejection']>>().optional(),
});

/** The dotted paths of all options, including sections; unknown keys are compared with them to suggest a correction. */
export const OPTION_PATHS: readonly string[] = Object.entries(optionsSchema.shape).flatMap(([key, schema]) => {
  const inner = schema instanceof z.ZodPrefault ? schema.unwrap() : undefined;
  return inner instanceof z.ZodObject ? [key, ...Object.keys(inner.shape).map((name) => `${key}.${name}`)] : [key];
});
