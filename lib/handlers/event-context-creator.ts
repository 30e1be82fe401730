import 'reflect-metadata';
import type { ExternalContextCreator } from '@nestjs/core';
import { typeForPipes } from './built-in-types.js';
import { eventFilters, type ExceptionsHandler } from './exception-filters.js';

type ParamValueMetadata = Parameters<ExternalContextCreator['getParamValue']>[1];
type ParamPipes = Parameters<ExternalContextCreator['getParamValue']>[2];
type HandlerMetadata = ReturnType<ExternalContextCreator['getMetadata']>;

/** What calls a handler and gives its errors to the filters. */
interface ErrorProxy {
  createProxy(target: unknown, filters: ExceptionsHandler, type: string): unknown;
}

/** RouteParamtypes.BODY of Nest: the type of parameter that its ValidationPipe validates and transforms. */
const BODY = 3;

/** Marks the context parameter, so that no pipe gets to see it. */
const CONTEXT_PARAM = 'nestjs-cluster:context';

/** Written by the TypeScript compiler for a decorated method. */
const PARAM_TYPES = 'design:paramtypes';

const PARAMS: ReturnType<HandlerMetadata['getParamsMetadata']> = [
  // Without a name, as `@Body()` alone: the parameter is the whole of it.
  { index: 0, type: BODY, data: undefined as never, pipes: [], extractValue: (data: unknown) => data },
  {
    index: 1,
    type: CONTEXT_PARAM,
    data: CONTEXT_PARAM,
    pipes: [],
    extractValue: (_data: unknown, context: unknown) => context,
  },
];

/**
 * Nest's ExternalContextCreator, taught that a handler is called with `(data, context)`: data goes through
 * the pipes, the context is passed as it is.
 *
 * Nest would read parameters from metadata on the class, and caches them by method name (Nest 11) together
 * with those of other libraries. Answering from here leaves the class alone, so the same method can be an
 * HTTP route as well. `moduleKey` is the module that provides the handler: Nest 11 looks for it among
 * providers only, and would miss a controller's class-bound guards. `filterFailed` hears of a filter that can only
 * answer HTTP.
 */
export function eventContextCreator(
  nest: ExternalContextCreator,
  moduleKey: string,
  filterFailed: (error: TypeError) => void,
): ExternalContextCreator {
  const { externalErrorProxy } = nest as unknown as { externalErrorProxy: ErrorProxy };
  const overrides = {
    getHostModuleKey: () => moduleKey,
    getContextModuleKey: () => moduleKey,
    getMetadata: (instance: object, method: string): HandlerMetadata => ({
      argsLength: PARAMS.length,
      paramtypes: (Reflect.getMetadata(PARAM_TYPES, instance, method) as unknown[] | undefined)?.map(
        typeForPipes,
      ) as unknown[],
      getParamsMetadata: () => PARAMS,
    }),
    getParamValue: (value: unknown, metadata: ParamValueMetadata, pipes: ParamPipes) =>
      metadata.data === CONTEXT_PARAM ? Promise.resolve(value) : nest.getParamValue(value, metadata, pipes),
    externalErrorProxy: {
      createProxy: (target: unknown, filters: ExceptionsHandler, type: string) =>
        externalErrorProxy.createProxy(target, eventFilters(filters, filterFailed), type),
    },
  };
  return Object.assign(Object.create(nest) as ExternalContextCreator, overrides);
}
