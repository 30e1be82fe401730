import 'reflect-metadata';
import { Body, RequestMapping } from '@nestjs/common';
import type { ExternalContextCreator } from '@nestjs/core';

/** What decorators say about a method's parameters, by `type:index`. */
export type DecoratedParameters = Parameters<ExternalContextCreator['exchangeKeysForValues']>[1];

/** RouteParamtypes.BODY, which is RpcParamtype.PAYLOAD: the type of parameter that Nest's ValidationPipe validates. */
export const PAYLOAD = 3;

/** RpcParamtype.CONTEXT. */
export const CONTEXT = 6;

/** Part of the key of decorators made by `createParamDecorator`. */
const CUSTOM = '__customRouteArgs__';

// Read from what Nest's own decorators write, like the keys of enhancers.
const PARAMETERS = keyOfParameters(Body());
const ROUTE = keyOfMethod(RequestMapping());

/**
 * What decorators say about the parameters of a handler: `@Payload()` and `@Ctx()` of microservices, `@Body()`, and
 * the app's own. Undefined if there are none, or if one of them is for HTTP only (`@Param()`, `@Req()`, or
 * `@Body('name')` of a route): then the method is also a route, and as a handler it gets data and context.
 */
export function decoratedParameters(owner: Function, name: string, method: object): DecoratedParameters | undefined {
  if (PARAMETERS === undefined) return undefined;
  const found = Reflect.getMetadata(PARAMETERS, owner, name) as DecoratedParameters | undefined;
  const entries = Object.entries(found ?? {});
  const isRoute = ROUTE === undefined || Reflect.hasMetadata(ROUTE, method);
  const areOfEvents = entries.every(([key, { data }]) => isOfEvents(key, data !== undefined, isRoute));
  return entries.length > 0 && areOfEvents ? found : undefined;
}

/** HTTP and microservices use the same numbers for their parameter types. */
function isOfEvents(key: string, hasName: boolean, isRoute: boolean): boolean {
  if (key.includes(CUSTOM)) return true;
  const type = Number(key.split(':')[0]);
  return (type === PAYLOAD && !(hasName && isRoute)) || (type === CONTEXT && !hasName);
}

/** The value that a parameter of a given type gets in an event. */
export const eventParameters = {
  exchangeKeyForValue(type: number, key: unknown, [data, context]: unknown[]): unknown {
    if (type === CONTEXT) return context;
    return typeof key === 'string' ? (data as Record<string, unknown> | undefined)?.[key] : data;
  },
};

function keyOfParameters(decorator: ParameterDecorator): string | undefined {
  class Probe {
    probe(): void {}
  }
  decorator(Probe.prototype, 'probe', 0);
  return Reflect.getMetadataKeys(Probe, 'probe')[0] as string | undefined;
}

function keyOfMethod(decorator: MethodDecorator): string | undefined {
  const probe = (): void => undefined;
  decorator({}, 'probe', { value: probe });
  return Reflect.getMetadataKeys(probe)[0] as string | undefined;
}
