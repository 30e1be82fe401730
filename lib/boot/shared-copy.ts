import { ModuleRef } from '@nestjs/core';
import { ClusterLogger } from '../platform/cluster-logger.js';

/** The global key by which the copies in one process find each other, whatever their version and module format. */
const COPIES = Symbol.for('nestjs-cluster.copies');

type Exports = Readonly<Record<string, unknown>>;

/** One copy of this package. Other versions also read it, so its fields must keep their names. */
interface Copy {
  readonly version: string;
  /** The package's own folder. An installation has one folder, whether it is loaded as ESM or as CommonJS. */
  readonly folder: string;
  /** A class of the Nest that this copy imports. The classes of one copy of Nest cannot be injected by another. */
  readonly nest: unknown;
  readonly exports: Exports;
}

interface Copies {
  list: Copy[];
  /** Whether the app has started, and the copies that were loaded by then have been reported. */
  reported: boolean;
}

/**
 * Returns what a copy of this package exports: its own exports if it is the first copy, otherwise the classes and
 * functions of the first. So one set of services is injected and one state is kept. Each module format and each
 * installation is a copy.
 *
 * A copy that uses another Nest is independent: test tools that reset all modules load both again.
 *
 * @param exports what this copy would export by itself
 */
export function shareCopy<T extends Exports>(exports: T, version: string, folder: string): T {
  const copies = loadedCopies();
  const others = copies.list.filter((copy) => copy.folder !== folder || copy.nest === ModuleRef);
  const first = others.find((copy) => copy.nest === ModuleRef);
  copies.list = [...others, { version, folder, nest: ModuleRef, exports }];
  if (copies.reported) report(copies.list);
  if (first === undefined) return exports;
  const handedOut = Object.keys(exports).map((name) => [name, first.exports[name] ?? exports[name]]);
  return Object.fromEntries(handedOut) as T;
}

/**
 * Warns if more than one installation of this package is loaded. Call it once, when the app starts. An installation
 * that is loaded later is reported at once.
 */
export function reportCopies(): void {
  const copies = loadedCopies();
  if (copies.reported) return;
  copies.reported = true;
  report(copies.list);
}

function report(copies: readonly Copy[]): void {
  const message = severalInstallations(copies);
  if (message !== undefined) new ClusterLogger().warn(message);
}

function severalInstallations(copies: readonly Copy[]): string | undefined {
  const installations = [...new Map(copies.toReversed().map((copy) => [copy.folder, copy])).values()].toReversed();
  const [first] = installations;
  if (first === undefined || installations.length === 1) return undefined;
  const places = installations.map(({ version, folder }) => `${version} in ${folder}`).join(', ');
  const consequence = installations.every(({ nest }) => nest === first.nest)
    ? 'The first one serves all of them.'
    : 'They use different copies of @nestjs/core, so the services of one cannot be injected where another is imported.';
  return (
    `This process has loaded ${installations.length} copies of nestjs-cluster: ${places}. ${consequence} ` +
    `Keep one: 'npm ls nestjs-cluster' shows who brings which; make it a peer dependency of shared libraries.`
  );
}

function loadedCopies(): Copies {
  const scope = globalThis as { [COPIES]?: Copies };
  return (scope[COPIES] ??= { list: [], reported: false });
}
