import 'reflect-metadata';
import { LazyPromise } from './lazy-promise.js';

/** Where the decorator of a module keeps what it imports. */
const IMPORTS = 'imports';

/**
 * What `forRoot` and `forRootAsync` have returned among the imports of a module, and of the modules it imports, as far as
 * these are known without asking the application (a promise, `forwardRef`).
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
