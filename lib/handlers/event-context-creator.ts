import 'reflect-metadata';
import type { ExternalContextCreator } from '@nestjs/core';
import { typeForPipes } from './built-in-types.js';
import { CONTEXT, decoratedParameters, eventParameters, PAYLOAD } from './decorated-parameters.js';
import { eventFilters, type ExceptionsHandler } from './exception-filters.js';

type ParamValueMetadata = Parameters<ExternalContextCreator['getParamValue']>[1];
type ParamPipes = Parameters<ExternalContextCreator['getParamValue']>[2];
type HandlerMetadata = ReturnType<ExternalContextCreator['getMetadata']>;

/** What calls a handler and gives its errors to the filters. */
interface ErrorProxy {
  createProxy(target: unknown, filters: ExceptionsHandler, type: string): unknown;
}

/** What of Nest's makes the ExecutionContext that an app's own parameter decorators get. */
interface ContextUtils {
  getContextFactory(type: string, instance: object, callback: unknown): (args: unknown[]) => never;
}

/** Written by the TypeScript compiler for a decorated method. */
const PARAM_TYPES = 'design:paramtypes';

/** What a parameter is given that no decorator says more of. */
const PARAMS: ReturnType<HandlerMetadata['getParamsMetadata']> = [
  // Without a name, as `@Body()` alone: the parameter is the whole of it.
  { index: 0, type: PAYLOAD, data: undefined as never, pipes: [], extractValue: (data: unknown) => data },
  {
    index: 1,
    type: CONTEXT,
    data: undefined as never,
    pipes: [],
    extractValue: (_data: unknown, context: unknown) => context,
  },
];

/**
 * Nest's ExternalContextCreator, taught that a handler is called with `(data, context)`: data goes through
 * the pipes, the context is passed as it is. Where decorators say what a parameter is, it is that.
 *
 * Nest caches parameters by method name (Nest 11) together with those of other libraries. Answering from here leaves the
 * class alone, so the same method can be an HTTP route as well. `moduleKey` is the module that provides the handler:
 * Nest 11 looks for it among providers only, and would miss a controller's class-bound guards. `filterFailed` hears of a
 * filter that can only answer HTTP.
 *
 * @param type what `ExecutionContext.getType()` gives
 */
export function eventContextCreator(
  nest: ExternalContextCreator,
  moduleKey: string,
  type: string,
  filterFailed: (error: TypeError) => void,
): ExternalContextCreator {
  const { externalErrorProxy, contextUtils } = nest as unknown as {
    externalErrorProxy: ErrorProxy;
    contextUtils: ContextUtils;
  };
  const overrides = {
    getHostModuleKey: () => moduleKey,
    getContextModuleKey: () => moduleKey,
    getMetadata: (instance: object, method: string): HandlerMetadata => {
      const callback = (instance as Record<string, object>)[method]!;
      const decorated = decoratedParameters(instance.constructor, method, callback) ?? {};
      const indices = Object.values(decorated).map(({ index }) => index);
      const plain = PARAMS.filter(({ index }) => !indices.includes(index));
      const contextFactory = contextUtils.getContextFactory(type, instance, callback);
      return {
        argsLength: Math.max(PARAMS.length, ...indices.map((index) => index + 1)),
        paramtypes: (Reflect.getMetadata(PARAM_TYPES, instance, method) as unknown[] | undefined)?.map(
          typeForPipes,
        ) as unknown[],
        getParamsMetadata: (module, contextId, inquirerId) => [
          ...plain,
          ...nest.exchangeKeysForValues(
            Object.keys(decorated),
            decorated,
            module,
            eventParameters,
            contextId,
            inquirerId,
            contextFactory,
          ),
        ],
      };
    },
    // No pipe gets to see the context.
    getParamValue: (value: unknown, metadata: ParamValueMetadata, pipes: ParamPipes) =>
      (metadata.type as unknown) === CONTEXT ? Promise.resolve(value) : nest.getParamValue(value, metadata, pipes),
    externalErrorProxy: {
      createProxy: (target: unknown, filters: ExceptionsHandler, type: string) =>
        externalErrorProxy.createProxy(target, eventFilters(filters, filterFailed), type),
    },
  };
  return Object.assign(Object.create(nest) as ExternalContextCreator, overrides);
}
