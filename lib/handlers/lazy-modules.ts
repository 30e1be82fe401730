import { type LazyModuleLoader, ModuleRef, type ModulesContainer } from '@nestjs/core';

/** Nest's record of one module. */
export type Module = NonNullable<ReturnType<ModulesContainer['get']>>;

/**
 * Calls `loaded` after each load of a lazy module, with that module and everything it imports, before the loader
 * returns it to the app. Nest runs no lifecycle hook in this case, so there is no other way to notice it.
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
