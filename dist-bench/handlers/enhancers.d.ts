import 'reflect-metadata';
import type { ApplicationConfig } from '@nestjs/core';
/** What of Nest's request pipeline is bound to a handler. */
export interface BoundEnhancers {
    /** A guard, pipe, interceptor or filter, bound anywhere. */
    readonly any: boolean;
    readonly filters: boolean;
}
/** What is bound globally, to one of `classes`, or to `method`. */
export declare function boundEnhancers(config: ApplicationConfig, classes: readonly unknown[], method: object): BoundEnhancers;
