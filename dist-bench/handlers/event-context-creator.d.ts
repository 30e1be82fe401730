import 'reflect-metadata';
import type { ExternalContextCreator } from '@nestjs/core';
/**
 * Nest's ExternalContextCreator, taught that a handler is called with `(data, context)`: data goes through
 * the pipes, the context is passed as it is.
 *
 * Nest would read parameters from metadata on the class, and caches them by method name (Nest 11) together
 * with those of other libraries. Answering from here leaves the class alone, so the same method can be an
 * HTTP route as well. `moduleKey` is the module that provides the handler: Nest 11 looks for it among
 * providers only, and would miss a controller's class-bound guards.
 */
export declare function eventContextCreator(nest: ExternalContextCreator, moduleKey: string): ExternalContextCreator;
