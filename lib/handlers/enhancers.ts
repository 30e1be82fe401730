import 'reflect-metadata';
import {
  type ExceptionFilter,
  type NestInterceptor,
  type PipeTransform,
  type Type,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';

/** Which parts of Nest's request pipeline are bound to a handler. */
export interface BoundEnhancers {
  /** Whether a guard, pipe, interceptor or filter is bound, on any level. */
  readonly any: boolean;
  readonly filters: boolean;
}

const pass = {
  canActivate: () => true,
  transform: () => undefined,
  intercept: () => undefined,
  catch: () => undefined,
};

// Read from what Nest's own decorators write: if Nest renames a key, no guard may be overlooked.
const GUARDS = keyWrittenBy(UseGuards(pass));
const PIPES = keyWrittenBy(UsePipes(pass as PipeTransform));
const INTERCEPTORS = keyWrittenBy(UseInterceptors(pass as unknown as NestInterceptor));
const FILTERS = keyWrittenBy(UseFilters(pass as ExceptionFilter));

/** What is bound globally, to one of `classes`, or to `method`. */
export function boundEnhancers(config: ApplicationConfig, classes: readonly unknown[], method: object): BoundEnhancers {
  const hosts = [method, ...classes.filter((host): host is Type => typeof host === 'function')];
  const bound = (key: string | undefined) => key === undefined || hosts.some((host) => Reflect.hasMetadata(key, host));
  const filters = config.getGlobalFilters().length > 0 || config.getGlobalRequestFilters().length > 0 || bound(FILTERS);
  const any =
    filters ||
    config.getGlobalGuards().length > 0 ||
    config.getGlobalRequestGuards().length > 0 ||
    config.getGlobalPipes().length > 0 ||
    config.getGlobalRequestPipes().length > 0 ||
    config.getGlobalInterceptors().length > 0 ||
    config.getGlobalRequestInterceptors().length > 0 ||
    [GUARDS, PIPES, INTERCEPTORS].some(bound);
  return { any, filters };
}

/** The metadata key that `decorator` writes. If it writes none, undefined: then everything counts as bound. */
function keyWrittenBy(decorator: MethodDecorator): string | undefined {
  const probe = (): void => undefined;
  decorator({}, 'probe', { value: probe });
  return Reflect.getMetadataKeys(probe)[0] as string | undefined;
}
