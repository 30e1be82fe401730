import { type LazyModuleLoader, ModuleRef, type ModulesContainer } from '@nestjs/core';

/** What Nest keeps of one module. */
export type Module = NonNullable<ReturnType<ModulesContainer['get']>>;

/**
 * Calls `loaded` after each load of a lazy module with that module and all that it imports, before the loader gives it
 * to the app. Nest runs no lifecycle hook then, so nothing else tells of it.
 */
export function onLazyLoad(
  loader: LazyModuleLoader,
  modules: ModulesContainer,
  loaded: (modules: ReadonlySet<Module>) => void,
): void {
  const load = loader.load.bind(loader);
  loader.load = async (...args) => {
    const moduleRef = await load(...args);
    const found = [...modules.values()].find(({ providers }) => providers.get(ModuleRef)?.instance === moduleRef);
    if (found !== undefined) loaded(withImports(found));
    return moduleRef;
  };
}

function withImports(module: Module, found = new Set<Module>()): ReadonlySet<Module> {
  if (found.has(module)) return found;
  found.add(module);
  for (const imported of module.imports) withImports(imported, found);
  return found;
}
