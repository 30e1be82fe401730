import { AsyncLocalStorage } from 'node:async_hooks';
import { NestFactory } from '@nestjs/core';
import { DependenciesScanner } from '@nestjs/core/scanner.js';
import type { BootKind } from './choose-role.js';
import { callersOf, type Caller } from './callers.js';

/** A container that Nest is making. */
export interface Boot {
  readonly kind: BootKind;
  /** The code that asked Nest for it, the nearest first; empty where that is not known. */
  readonly callers: readonly Caller[];
  isOver: boolean;
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

const boots = new AsyncLocalStorage<Boot>();

/** The boot on whose behalf the running code runs; undefined where there is none. */
export function currentBoot(): Boot | undefined {
  const boot = boots.getStore();
  return boot?.isOver ? undefined : boot;
}

/** Those of a root module's imports that are to be awaited before anything else. */
export type FirstOf = (root: unknown) => readonly PromiseLike<unknown>[];

/**
 * Nest hands a dynamic module nothing that tells what is being booted, so the calls by which a boot begins are
 * watched: those of `NestFactory`, and the scan of the modules. By the scan alone `@nestjs/testing` is known, which
 * is the only one that hands on what a test overrides, and so is a factory call that began before this package
 * was imported (`NestFactory.create(import('./app.module.js').then(…))`).
 *
 * @param firstOf awaited before Nest loads the HTTP adapter of an application, which takes it as long as all the rest. A
 *   failure is Nest's to meet, when it awaits the same.
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

/** Runs the method as the boot that `kindOf` tells, or as part of the one that has begun already. */
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

/** Has the factory log as the options say, which it does only later; a Nest that knows no such method then does. */
function takeLogger(factory: unknown, options: unknown[]): void {
  const take = Reflect.get(factory as object, 'registerLoggerConfiguration') as Method | undefined;
  take?.call(
    factory,
    options.find((option) => isObject(option) && !isAdapter(option)),
  );
}

/** Nest takes the options behind an HTTP adapter or instead of one. */
function kindOf(kind: BootKind, options: unknown[]): BootKind {
  const given = options.filter((option) => isObject(option));
  if (given.some(({ preview }) => preview === true)) return 'preview';
  // Nest's `repl()` makes a context like any other, but for its logger.
  if (kind === 'context' && given.some(({ logger }) => isObject(logger) && logger.constructor.name === 'ReplLogger'))
    return 'repl';
  return kind;
}

/** What of Nest's container tells who makes it. */
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

/** As Nest tells one. */
function isAdapter(option: Record<string, unknown>): boolean {
  return Boolean(option['patch']);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
