import { describe, expect, it, jest } from '@jest/globals';
import { Global, Injectable, Module, type OnModuleInit } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  ClusterDisabledError,
  ClusterModule,
  ClusterOptionsError,
  ClusterService,
  ConsumeOnce,
  MessengerService,
  NotConnectedError,
  OnClusterEvent,
  PayloadNotCloneableError,
  ReloadService,
  RunOnLeader,
} from '../../../lib/index.js';
import { LazyPromise } from '../../../lib/boot/lazy-promise.js';

@Injectable()
class Greeter {
  readonly heard: unknown[] = [];
  led = 0;

  @OnClusterEvent('greet')
  greet(name: unknown): string {
    this.heard.push(name);
    return `hello ${String(name)}`;
  }

  @ConsumeOnce('double')
  double(n: number): number {
    return n * 2;
  }

  @RunOnLeader()
  lead(): void {
    this.led += 1;
  }
}

async function boot(imports: NonNullable<Parameters<typeof Test.createTestingModule>[0]['imports']>) {
  const module = await Test.createTestingModule({ imports, providers: [Greeter] }).compile();
  await module.init();
  return module;
}

describe('ClusterModule under a test runner', () => {
  it('is a cluster of one in this process: messages, leader, and nothing forked', async () => {
    const module = await boot([ClusterModule.forRoot(4)]);
    const messenger = module.get(MessengerService);
    const greeter = module.get(Greeter);
    expect(module.get(ClusterService)).toMatchObject({ role: 'standalone', slot: 0, isLeader: true });
    expect(module.get(ClusterService).members()).toMatchObject([{ slot: 0, pid: process.pid }]);
    expect(await messenger.map('greet', 'Ann')).toEqual(['hello Ann']);
    expect(await messenger.consume('double', 21)).toBe(42);
    await messenger.broadcast('greet', new Map([[1, 2n]]));
    expect(await messenger.send(0, 'greet', 'Bob')).toBe('hello Bob');
    expect(greeter.heard).toEqual(['Ann', new Map([[1, 2n]]), 'Bob']);
    const migrate = jest.fn(() => 'migrated');
    expect(await Promise.all([messenger.runOnce('m', migrate), messenger.runOnce('m', migrate)])).toEqual([
      'migrated',
      'migrated',
    ]);
    expect(migrate).toHaveBeenCalledTimes(1);
    greeter.lead();
    expect(greeter.led).toBe(1);
    await module.close();
  });

  it('refuses what needs a cluster, what cannot be cloned, and calls after the end, each with its own error', async () => {
    const module = await boot([ClusterModule.forRoot({ enabled: false })]);
    const messenger = module.get(MessengerService);
    await expect(module.get(ReloadService).reload()).rejects.toThrow(ClusterDisabledError);
    await expect(module.get(ClusterService).scale(2)).rejects.toThrow(ClusterDisabledError);
    await expect(messenger.broadcast('greet', () => 1)).rejects.toThrow(PayloadNotCloneableError);
    await module.close();
    await expect(messenger.broadcast('greet', 1)).rejects.toThrow(NotConnectedError);
  });

  it.each([
    ['workers: -1', { workers: -1 }],
    ["workers: 'four'", { workers: 'four' }],
    ['an unknown option', { worker: 4 }],
  ])('%s is refused when Nest awaits it, with an error that names it', async (_, options) => {
    const imported = ClusterModule.forRoot(options as never);
    const booting = Test.createTestingModule({ imports: [imported] }).compile();
    await expect(booting).rejects.toThrow(ClusterOptionsError);
    await expect(booting).rejects.toThrow(Object.keys(options)[0]!);
  });

  it('forRoot twice in one app is refused', async () => {
    const module = Test.createTestingModule({ imports: [ClusterModule.forRoot(1), ClusterModule.forRoot(2)] });
    await expect(module.compile().then((app) => app.init())).rejects.toThrow(/imported 2 times/);
  });

  it('forRootAsync gets its options through the app, overridden providers included', async () => {
    class Settings {
      timeout = 1_000;
    }
    @Module({ providers: [Settings], exports: [Settings] })
    class SettingsModule {}
    const useFactory = jest.fn((settings: Settings) => ({ messenger: { timeout: settings.timeout } }));
    const imported = ClusterModule.forRootAsync({ imports: [SettingsModule], inject: [Settings], useFactory });
    const module = await Test.createTestingModule({ imports: [imported] })
      .overrideProvider(Settings)
      .useValue({ timeout: 5 })
      .compile();
    await module.init();
    expect(useFactory).toHaveBeenCalledTimes(1);
    expect(useFactory).toHaveBeenCalledWith({ timeout: 5 });
    await module.close();
  });

  it('lets a global module that is imported before it await a call in onModuleInit', async () => {
    const migrate = jest.fn();
    @Global()
    @Module({})
    class Early implements OnModuleInit {
      constructor(private readonly messenger: MessengerService) {}
      async onModuleInit(): Promise<void> {
        await this.messenger.runOnce('early', migrate);
      }
    }
    const module = await boot([Early, ClusterModule.forRoot()]);
    expect(migrate).toHaveBeenCalledTimes(1);
    await module.close();
  });
});

describe('LazyPromise', () => {
  it('is a Promise whose work starts when it is awaited, once', async () => {
    const work = jest.fn(() => Promise.resolve(7));
    const lazy = new LazyPromise(work);
    expect(lazy).toBeInstanceOf(Promise);
    await Promise.resolve();
    expect(work).not.toHaveBeenCalled();
    expect([await lazy, await lazy]).toEqual([7, 7]);
    expect(work).toHaveBeenCalledTimes(1);
  });

  it('works once for each occasion on which it is awaited', async () => {
    let occasion: object | undefined = {};
    const work = jest.fn(() => Promise.resolve());
    const lazy = new LazyPromise(work, () => occasion);
    await lazy;
    await lazy;
    expect(work).toHaveBeenCalledTimes(1);
    occasion = {};
    await lazy;
    expect(work).toHaveBeenCalledTimes(2);
  });

  it('never awaited, it neither works nor leaves an unhandled rejection', () => {
    const work = jest.fn(() => Promise.reject(new Error('never')));
    void new LazyPromise(work);
    expect(work).not.toHaveBeenCalled();
  });
});
