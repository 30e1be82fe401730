import 'reflect-metadata';
import type { ExternalContextCreator } from '@nestjs/core';
import { typeForPipes } from './built-in-types.js';
import { CONTEXT, decoratedParameters, eventParameters, PAYLOAD } from './decorated-parameters.js';
import { eventFilters, type ExceptionsHandler } from './exception-filters.js';

type ParamValueMetadata = Parameters<ExternalContextCreator['getParamValue']>[1];
type ParamPipes = Parameters<ExternalContextCreator['getParamValue']>[2];
type HandlerMetadata = ReturnType<ExternalContextCreator['getMetadata']>;

/** Calls a handler and passes its errors to the filters. */
interface ErrorProxy {
  createProxy(target: unknown, filters: ExceptionsHandler, type: string): unknown;
}

/** The part of Nest that creates the ExecutionContext for an app's own parameter decorators. */
interface ContextUtils {
  getContextFactory(type: string, instance: object, callback: unknown): (args: unknown[]) => never;
}

/** The TypeScript compiler writes this metadata for a decorated method. */
const PARAM_TYPES = 'design:paramtypes';

/** The parameters of a handler that no decorator describes. */
const PARAMS: ReturnType<HandlerMetadata['getParamsMetadata']> = [
  // No name, like plain `@Body()`: the parameter gets the whole value.
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
 * Nest's ExternalContextCreator, adapted to handlers that are called with `(data, context)`: data goes through
 * the pipes, and the context is passed unchanged. Decorators on parameters take precedence.
 *
 * Nest 11 caches parameters by method name, together with those of other libraries. This creator answers itself and
 * leaves the class alone, so the same method can also be an HTTP route. `moduleKey` is the module that provides the
 * handler: Nest 11 looks for it among providers only, and would miss the class-bound guards of a controller.
 * `filterFailed` is called when a filter fails because it can only answer HTTP.
 *
 * @param type what `ExecutionContext.getType()` returns
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
    // The context does not go through pipes.
    getParamValue: (value: unknown, metadata: ParamValueMetadata, pipes: ParamPipes) =>
      (metadata.type as unknown) === CONTEXT ? Promise.resolve(value) : nest.getParamValue(value, metadata, pipes),
    externalErrorProxy: {
      createProxy: (target: unknown, filters: ExceptionsHandler, type: string) =>
        externalErrorProxy.createProxy(target, eventFilters(filters, filterFailed), type),
    },
  };
  return Object.assign(Object.create(nest) as ExternalContextCreator, overrides);
}
