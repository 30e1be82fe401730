import type { DynamicModule, Type } from '@nestjs/common';
import { z } from 'zod';
/** Options as a user may write them; parsing fills in every default. */
export declare const optionsSchema: z.ZodObject<{
    workers: z.ZodDefault<z.ZodInt>;
    enabled: z.ZodOptional<z.ZodBoolean>;
    primary: z.ZodOptional<z.ZodCustom<Type<unknown> | DynamicModule, Type<unknown> | DynamicModule>>;
    listen: z.ZodDefault<z.ZodEnum<{
        auto: "auto";
        "round-robin": "round-robin";
        shared: "shared";
    }>>;
    fork: z.ZodPrefault<z.ZodObject<{
        exec: z.ZodOptional<z.ZodString>;
        args: z.ZodOptional<z.ZodArray<z.ZodString>>;
        execArgv: z.ZodOptional<z.ZodArray<z.ZodString>>;
        cwd: z.ZodOptional<z.ZodString>;
        env: z.ZodOptional<z.ZodRecord<z.ZodString, z.ZodOptional<z.ZodString>>>;
        silent: z.ZodOptional<z.ZodBoolean>;
        stdio: z.ZodOptional<z.ZodArray<z.ZodCustom<string | number | null | undefined, string | number | null | undefined>>>;
        uid: z.ZodOptional<z.ZodInt>;
        gid: z.ZodOptional<z.ZodInt>;
        inspectPort: z.ZodOptional<z.ZodUnion<readonly [z.ZodInt, z.ZodCustom<() => number, () => number>]>>;
        serialization: z.ZodOptional<z.ZodEnum<{
            json: "json";
            advanced: "advanced";
        }>>;
        windowsHide: z.ZodOptional<z.ZodBoolean>;
    }, z.core.$strict>>;
    startup: z.ZodPrefault<z.ZodObject<{
        timeout: z.ZodDefault<z.ZodNumber>;
    }, z.core.$strict>>;
    restart: z.ZodPrefault<z.ZodObject<{
        minDelay: z.ZodDefault<z.ZodNumber>;
        maxDelay: z.ZodDefault<z.ZodNumber>;
        resetAfter: z.ZodDefault<z.ZodNumber>;
        maxCrashes: z.ZodOptional<z.ZodInt>;
        window: z.ZodDefault<z.ZodNumber>;
    }, z.core.$strict>>;
    shutdown: z.ZodPrefault<z.ZodObject<{
        delay: z.ZodDefault<z.ZodNumber>;
        timeout: z.ZodDefault<z.ZodNumber>;
        killAfter: z.ZodDefault<z.ZodNumber>;
    }, z.core.$strict>>;
    reload: z.ZodPrefault<z.ZodObject<{
        surge: z.ZodDefault<z.ZodInt>;
        canaryTime: z.ZodDefault<z.ZodNumber>;
        onFailure: z.ZodDefault<z.ZodEnum<{
            keep: "keep";
            rollback: "rollback";
        }>>;
        signals: z.ZodDefault<z.ZodArray<z.ZodCustom<NodeJS.Signals, NodeJS.Signals>>>;
    }, z.core.$strict>>;
    watchdog: z.ZodPrefault<z.ZodObject<{
        interval: z.ZodDefault<z.ZodNumber>;
        suspectAfter: z.ZodDefault<z.ZodNumber>;
        killAfter: z.ZodDefault<z.ZodNumber>;
    }, z.core.$strict>>;
    recycle: z.ZodPrefault<z.ZodObject<{
        memory: z.ZodOptional<z.ZodInt>;
        requests: z.ZodOptional<z.ZodInt>;
        age: z.ZodOptional<z.ZodNumber>;
        jitter: z.ZodDefault<z.ZodNumber>;
        minLifetime: z.ZodDefault<z.ZodNumber>;
    }, z.core.$strict>>;
    messenger: z.ZodPrefault<z.ZodObject<{
        timeout: z.ZodDefault<z.ZodNumber>;
        maxPayload: z.ZodDefault<z.ZodInt>;
        queueLimit: z.ZodDefault<z.ZodInt>;
    }, z.core.$strict>>;
    onUncaughtException: z.ZodOptional<z.ZodCustom<(error: unknown) => boolean | void, (error: unknown) => boolean | void>>;
    onUnhandledRejection: z.ZodOptional<z.ZodCustom<(reason: unknown) => boolean | void, (reason: unknown) => boolean | void>>;
}, z.core.$strict>;
/** Every option's dotted path, sections included: what a misspelt key is compared with. */
export declare const OPTION_PATHS: readonly string[];
