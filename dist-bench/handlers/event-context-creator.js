import 'reflect-metadata';
/** RouteParamtypes.BODY of Nest: the type of parameter that its ValidationPipe validates and transforms. */
const BODY = 3;
/** Marks the context parameter, so that no pipe gets to see it. */
const CONTEXT_PARAM = 'nestjs-cluster:context';
/** Written by the TypeScript compiler for a decorated method. */
const PARAM_TYPES = 'design:paramtypes';
const PARAMS = [
    // Without a name, as `@Body()` alone: the parameter is the whole of it.
    { index: 0, type: BODY, data: undefined, pipes: [], extractValue: (data) => data },
    {
        index: 1,
        type: CONTEXT_PARAM,
        data: CONTEXT_PARAM,
        pipes: [],
        extractValue: (_data, context) => context,
    },
];
/**
 * Nest's ExternalContextCreator, taught that a handler is called with `(data, context)`: data goes through
 * the pipes, the context is passed as it is.
 *
 * Nest would read parameters from metadata on the class, and caches them by method name (Nest 11) together
 * with those of other libraries. Answering from here leaves the class alone, so the same method can be an
 * HTTP route as well. `moduleKey` is the module that provides the handler: Nest 11 looks for it among
 * providers only, and would miss a controller's class-bound guards.
 */
export function eventContextCreator(nest, moduleKey) {
    const overrides = {
        getHostModuleKey: () => moduleKey,
        getContextModuleKey: () => moduleKey,
        getMetadata: (instance, method) => ({
            argsLength: PARAMS.length,
            paramtypes: Reflect.getMetadata(PARAM_TYPES, instance, method),
            getParamsMetadata: () => PARAMS,
        }),
        getParamValue: (value, metadata, pipes) => metadata.data === CONTEXT_PARAM ? Promise.resolve(value) : nest.getParamValue(value, metadata, pipes),
    };
    return Object.assign(Object.create(nest), overrides);
}
//# sourceMappingURL=event-context-creator.js.map