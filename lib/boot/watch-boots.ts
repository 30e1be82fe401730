import { AsyncLocalStorage } from 'node:async_hooks';
import { NestFactory } from '@nestjs/core';
import { DependenciesScanner } from '@nestjs/core/scanner.js';
import type { BootKind } from './choose-role.js';
import { callersOf, type Caller } from './callers.js';

/** A container that Nest is creating. */
export interface Boot {
  readonly kind: BootKind;
  /** The code that called Nest, the nearest first; empty if it is not known. */
  readonly callers: readonly Caller[];
  isOver: boolean;
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

const boots = new AsyncLocalStorage<Boot>();

/** The boot that the running code belongs to; undefined if there is none. */
export function currentBoot(): Boot | undefined {
  const boot = boots.getStore();
  return boot?.isOver ? undefined : boot;
}

/** The promises among a root module's imports that must be awaited before anything else. */
export type FirstOf = (root: unknown) => readonly PromiseLike<unknown>[];

/**
 * Nest does not tell a dynamic module what is being booted. So the calls that begin a boot are watched: those of
 * `NestFactory`, and the scan of the modules. The scan alone identifies `@nestjs/testing`, because only that passes on
 * what a test overrides. It also finds a factory call that began before this package was imported
 * (`NestFactory.create(import('./app.module.js').then(…))`).
 *
 * @param firstOf returns promises to await before Nest loads the HTTP adapter of an application, which takes as long as
 *   all the rest. Nest handles their failures, when it awaits the same promises.
 */
export function watchBoots(firstOf: FirstOf = () => []): void {
  const factory = Object.getPrototypeOf(NestFactory) as Record<string, Method>;
  const create = factory['create']!;
  factory['create'] = async function (root: unknown, ...options: unknown[]): Promise<unknown> {
    const first = firstOf(root);
    if (first.length > 0) takeLogger(this, options);
    await Promise.allSettled(first);
    return create.call(this, root, ...options);
  };
  wrap(factory, 'create', (_, [, ...options]) => kindOf('application', options));
  wrap(factory, 'createMicroservice', (_, [, ...options]) => kindOf('microservice', options));
  wrap(factory, 'createApplicationContext', (_, [, ...options]) => kindOf('context', options));
  const scanner = DependenciesScanner.prototype as unknown as Record<string, Method>;
  wrap(scanner, 'scan', (self, [, options]) => {
    if (isObject(options) && 'overrides' in options) return 'test';
    return currentBoot() ? undefined : kindByContainer((self as { container?: Container }).container);
  });
}

/** Runs the method within the boot that `kindOf` identifies, or within the boot that has already begun. */
function wrap(
  on: Record<string, Method>,
  name: string,
  kindOf: (self: unknown, args: unknown[]) => BootKind | undefined,
): void {
  const original = on[name]!;
  on[name] = async function boot(this: unknown, ...args: unknown[]): Promise<unknown> {
    const kind = kindOf(this, args);
    if (kind === undefined) return original.apply(this, args);
    const current: Boot = { kind, callers: callersOf(boot), isOver: false };
    try {
      return await boots.run(current, () => original.apply(this, args));
    } finally {
      current.isOver = true;
    }
  };
}

/**
 * Makes the factory log as the options say, which it otherwise does only later; does nothing if Nest lacks the method.
 */
function takeLogger(factory: unknown, options: unknown[]): void {
  const take = Reflect.get(factory as object, 'registerLoggerConfiguration') as Method | undefined;
  take?.call(
    factory,
    options.find((option) => isObject(option) && !isAdapter(option)),
  );
}

/** Nest accepts the options after an HTTP adapter, or instead of one. */
function kindOf(kind: BootKind, options: unknown[]): BootKind {
  const given = options.filter((option) => isObject(option));
  if (given.some(({ preview }) => preview === true)) return 'preview';
  // Nest's `repl()` creates a context like any other; only its logger differs.
  if (kind === 'context' && given.some(({ logger }) => isObject(logger) && logger.constructor.name === 'ReplLogger'))
    return 'repl';
  return kind;
}

/** The parts of Nest's container that tell what is being created. */
interface Container {
  readonly contextOptions?: unknown;
  getHttpAdapterRef(): unknown;
}

function kindByContainer(container: Container | undefined): BootKind | undefined {
  if (container === undefined) return undefined;
  const options = isObject(container.contextOptions) ? container.contextOptions : {};
  if (container.getHttpAdapterRef()) return kindOf('application', [options]);
  return kindOf('transport' in options || 'strategy' in options ? 'microservice' : 'context', [options]);
}

/** Uses the same check as Nest. */
function isAdapter(option: Record<string, unknown>): boolean {
  return Boolean(option['patch']);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
