var __decorate = (this && this.__decorate) || function (decorators, target, key, desc) {
    var c = arguments.length, r = c < 3 ? target : desc === null ? desc = Object.getOwnPropertyDescriptor(target, key) : desc, d;
    if (typeof Reflect === "object" && typeof Reflect.decorate === "function") r = Reflect.decorate(decorators, target, key, desc);
    else for (var i = decorators.length - 1; i >= 0; i--) if (d = decorators[i]) r = (c < 3 ? d(r) : c > 3 ? d(target, key, r) : d(target, key)) || r;
    return c > 3 && r && Object.defineProperty(target, key, r), r;
};
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CLUSTER_OPTIONS } from '../cluster.constants.js';
import { resolveOptions } from '../options/resolve-options.js';
let OptionsModule = class OptionsModule {
};
OptionsModule = __decorate([
    Module({})
], OptionsModule);
/** Providers that make `CLUSTER_OPTIONS` of what `forRootAsync` was given. */
export function optionsProviders(given) {
    const extra = given.extraProviders ?? [];
    if (given.useFactory) {
        const { useFactory } = given;
        const factory = async (...args) => resolveOptions(await useFactory(...args));
        return [...extra, { provide: CLUSTER_OPTIONS, useFactory: factory, inject: given.inject ?? [] }];
    }
    const token = (given.useClass ?? given.useExisting);
    const factory = async (source) => resolveOptions(await source.createClusterOptions());
    const options = { provide: CLUSTER_OPTIONS, useFactory: factory, inject: [token] };
    return given.useClass ? [...extra, { provide: token, useClass: given.useClass }, options] : [...extra, options];
}
/** Resolves the options in a throw-away context of nothing but their imports and their factory. */
export async function resolveOptionsAlone(given) {
    const module = {
        module: OptionsModule,
        imports: [...(given.imports ?? [])],
        providers: optionsProviders(given),
    };
    const context = await NestFactory.createApplicationContext(module, {
        abortOnError: false,
        logger: ['error', 'warn'],
    });
    try {
        return context.get(CLUSTER_OPTIONS);
    }
    finally {
        await context.close();
    }
}
//# sourceMappingURL=async-options.js.map