import 'reflect-metadata';
import { LazyPromise } from './lazy-promise.js';

/** Metadata key under which the decorator of a module stores its imports. */
const IMPORTS = 'imports';

/**
 * Finds what `forRoot` and `forRootAsync` returned among the imports of a module and of the modules that it imports,
 * as far as these are known without running the application (unlike a promise or `forwardRef`).
 */
export function clustersIn(module: unknown, seen = new Set<unknown>()): LazyPromise<unknown>[] {
  if (module instanceof LazyPromise) return [module as LazyPromise<unknown>];
  if (seen.has(module)) return [];
  seen.add(module);
  return importsOf(module).flatMap((imported) => clustersIn(imported, seen));
}

function importsOf(module: unknown): unknown[] {
  if (typeof module === 'function') return listOf(Reflect.getMetadata(IMPORTS, module));
  if (typeof module !== 'object' || module === null || !('module' in module)) return [];
  return [...listOf('imports' in module ? module.imports : undefined), ...importsOf(module.module)];
}

function listOf(imports: unknown): unknown[] {
  return Array.isArray(imports) ? imports : [];
}
