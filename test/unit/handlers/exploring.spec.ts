import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Injectable, Logger, Module, Scope } from '@nestjs/common';
import { of } from 'rxjs';
import { ConsumeOnce } from '../../../lib/decorators/consume-once.decorator.js';
import { OnClusterEvent } from '../../../lib/decorators/on-cluster-event.decorator.js';
import { InvalidArgumentError } from '../../../lib/errors/errors.js';
import type { ClusterEventContext } from '../../../lib/events/cluster-event-context.js';
import { type ExploredApp, contextOf, exploredApp } from './explored-app.js';

let explored: ExploredApp | undefined;
afterEach(async () => {
  await explored?.app.close();
  explored = undefined;
  jest.restoreAllMocks();
});

const labels = (event: string) => explored!.registry.listeners(event).map(({ label }) => label);

describe('finding handlers', () => {
  it('calls a decorated method of a provider on its instance, with data and context', async () => {
    @Injectable()
    class Cache {
      prefix = 'p:';
      @OnClusterEvent('cache.get')
      get(key: string, context: ClusterEventContext) {
        return `${this.prefix}${key}@${context.event}`;
      }
    }
    explored = await exploredApp({ providers: [Cache] });
    expect(await explored.answer('cache.get', 'k')).toBe('p:k@cache.get');
    expect(labels('cache.get')).toEqual(['Cache.get']);
  });

  it('finds methods of controllers, which go on being routes', async () => {
    @Controller('stats')
    class Stats {
      @Get()
      @OnClusterEvent('stats')
      read(data: unknown) {
        return { data };
      }
    }
    explored = await exploredApp({ controllers: [Stats] });
    expect(await explored.answer('stats', 1)).toEqual({ data: 1 });
    await explored.app.listen(0);
    const response = await fetch(`${await explored.app.getUrl()}/stats`);
    expect(await response.json()).toEqual({});
  });

  it('takes two decorators on one method as two handlers', async () => {
    @Injectable()
    class Jobs {
      @OnClusterEvent('a')
      @OnClusterEvent('b')
      @ConsumeOnce('c')
      run(data: unknown, context: ClusterEventContext) {
        return [context.event, data];
      }
    }
    explored = await exploredApp({ providers: [Jobs] });
    expect(await explored.answer('a', 1)).toEqual(['a', 1]);
    expect(await explored.answer('b', 2)).toEqual(['b', 2]);
    expect(await explored.consume('c', 3)).toEqual(['c', 3]);
    expect(
      explored.registry
        .consumedEvents()
        .map(({ event }) => event)
        .sort(),
    ).toEqual(['a', 'b', 'c']);
  });

  it('lets a subclass inherit a handler, and not when it overrides the method undecorated', async () => {
    class Base {
      @OnClusterEvent('kept')
      kept() {
        return this.constructor.name;
      }
      @OnClusterEvent('dropped')
      dropped() {
        return 'base';
      }
      @OnClusterEvent('again')
      again() {
        return 'base';
      }
    }
    @Injectable()
    class Derived extends Base {
      override dropped() {
        return 'derived';
      }
      @OnClusterEvent('again')
      override again() {
        return 'derived';
      }
    }
    explored = await exploredApp({ providers: [Derived] });
    expect(await explored.answer('kept')).toBe('Derived');
    expect(explored.registry.listeners('dropped')).toEqual([]);
    expect(explored.registry.listeners('again')).toHaveLength(1);
    expect(await explored.answer('again')).toBe('derived');
  });

  it('registers an instance once, however many tokens give it', async () => {
    @Injectable()
    class Cache {
      @OnClusterEvent('once')
      handle() {}
    }
    explored = await exploredApp({
      providers: [
        { provide: 'FACTORY', useFactory: (cache: Cache) => cache, inject: [Cache] },
        { provide: 'ALIAS', useExisting: Cache },
        Cache,
        { provide: 'VALUE', useValue: Object.create(null) as object },
        { provide: 'STRING', useValue: 'text' },
      ],
    });
    expect(labels('once')).toEqual(['Cache.handle']);
  });

  it('keeps the order of registration', async () => {
    @Injectable()
    class First {
      @OnClusterEvent('e')
      a() {
        return 'first';
      }
    }
    @Injectable()
    class Second {
      @OnClusterEvent('e')
      b() {
        return 'second';
      }
    }
    explored = await exploredApp({ providers: [First, Second] });
    expect(labels('e')).toEqual(['First.a', 'Second.b']);
    expect(await explored.answer('e')).toBe('first');
  });

  it('warns of a second @ConsumeOnce for an event, since it would never run', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    @Injectable()
    class Jobs {
      @ConsumeOnce('job')
      one() {
        return 1;
      }
      @ConsumeOnce('job')
      two() {
        return 2;
      }
    }
    explored = await exploredApp({ providers: [Jobs] });
    expect(await explored.consume('job')).toBe(1);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]![0]).toContain(
      "Jobs.two will never run: the first method with @ConsumeOnce('job') is Jobs.one",
    );
  });

  it('warns of @ConsumeOnce in a process that runs no tasks, and leaves its other handlers alone', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    @Injectable()
    class Jobs {
      @ConsumeOnce('job')
      run() {
        return 1;
      }
      @OnClusterEvent('note')
      note() {
        return 2;
      }
    }
    explored = await exploredApp({ providers: [Jobs] }, undefined, false);
    expect(explored.registry.consumer('job')).toBeUndefined();
    expect(await explored.answer('note')).toBe(2);
    expect(warn.mock.calls).toEqual([
      [
        "Jobs.run will never run here: workers run tasks, the primary does not. Provide the class of @ConsumeOnce('job') " +
          "in the app's modules, not in the primary's.",
      ],
    ]);
  });

  it('never reads an accessor property', async () => {
    const read = jest.fn(() => () => undefined);
    @Injectable()
    class Lazy {
      get handler() {
        return read();
      }
    }
    explored = await exploredApp({ providers: [Lazy] });
    expect(read).not.toHaveBeenCalled();
  });

  it('gives the last value of an Observable', async () => {
    @Injectable()
    class Streams {
      @OnClusterEvent('direct')
      direct() {
        return of(1, 2, 3);
      }
      @OnClusterEvent('promised')
      promised() {
        return Promise.resolve(of(4, 5) as unknown);
      }
    }
    explored = await exploredApp({ providers: [Streams] });
    expect(await explored.answer('direct')).toBe(3);
    expect(await explored.answer('promised')).toBe(5);
  });
});

describe('providers that live per event', () => {
  for (const scope of [Scope.REQUEST, Scope.TRANSIENT]) {
    it(`makes a fresh instance of a ${Scope[scope]}-scoped provider for each event`, async () => {
      let made = 0;
      @Injectable({ scope })
      class Handlers {
        readonly number = ++made;
        @OnClusterEvent('who')
        who(data: string) {
          return `${data}${this.number}`;
        }
      }
      explored = await exploredApp({ providers: [Handlers] });
      made = 0;
      expect(await explored.answer('who', 'a')).toBe('a1');
      expect(await explored.answer('who', 'b')).toBe('b2');
    });
  }

  it('is registered once, though it has an alias', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Handlers {
      @OnClusterEvent('e')
      handle() {}
    }
    explored = await exploredApp({ providers: [{ provide: 'ALIAS', useExisting: Handlers }, Handlers] });
    expect(labels('e')).toEqual(['Handlers.handle']);
  });

  it('injects the event as REQUEST, down the tree', async () => {
    const { REQUEST } = await import('@nestjs/core');
    const { Inject } = await import('@nestjs/common');
    @Injectable({ scope: Scope.REQUEST })
    class Tenant {
      constructor(@Inject(REQUEST) readonly request: { data: { tenant: string }; context: ClusterEventContext }) {}
    }
    @Injectable()
    class Handlers {
      constructor(private readonly tenant: Tenant) {}
      @OnClusterEvent('tenant')
      tenantOf() {
        return [this.tenant.request.data.tenant, this.tenant.request.context.event];
      }
    }
    explored = await exploredApp({ providers: [Tenant, Handlers] });
    expect(await explored.answer('tenant', { tenant: 'acme' })).toEqual(['acme', 'tenant']);
  });

  it('uses the instance of the module that provides it, not of another with the same token', async () => {
    const seen: string[] = [];
    abstract class Base {
      abstract readonly where: string;
    }
    @Injectable({ scope: Scope.REQUEST })
    class Left extends Base {
      readonly where = 'left';
      @OnClusterEvent('where')
      left() {
        seen.push(this.where);
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class Right extends Base {
      readonly where = 'right';
      @OnClusterEvent('where')
      right() {
        seen.push(this.where);
      }
    }
    @Module({ providers: [{ provide: 'T', useClass: Left }] })
    class LeftModule {}
    @Module({ providers: [{ provide: 'T', useClass: Right }] })
    class RightModule {}
    explored = await exploredApp({ imports: [LeftModule, RightModule] });
    for (const handler of explored.registry.listeners('where')) await handler.invoke(undefined, contextOf('where'));
    expect(seen).toEqual(['left', 'right']);
  });
});

describe('decorators that cannot work', () => {
  it('refuses an empty event, naming decorator, class and method', () => {
    expect(() => {
      class Bad {
        @OnClusterEvent('')
        handle() {}
      }
      return Bad;
    }).toThrow("@OnClusterEvent on Bad.handle: the event must be a non-empty string, not ''.");
    expect(() => {
      class Bad {
        @ConsumeOnce(undefined as unknown as string)
        handle() {}
      }
      return Bad;
    }).toThrow('@ConsumeOnce on Bad.handle: the event must be a non-empty string, not undefined.');
  });

  it('refuses a concurrency that is no positive integer and an option it does not know', () => {
    for (const options of [{ concurrency: 0 }, { concurrency: 1.5 }, { parallel: 2 } as object]) {
      expect(() => {
        class Bad {
          @ConsumeOnce('e', options)
          handle() {}
        }
        return Bad;
      }).toThrow(InvalidArgumentError);
    }
  });

  it('refuses static methods, symbols and a repeated event', () => {
    expect(() => {
      class Bad {
        @OnClusterEvent('e')
        static handle() {}
      }
      return Bad;
    }).toThrow('@OnClusterEvent("e") on Bad.handle: only an instance method');
    expect(() => {
      class Bad {
        @OnClusterEvent('e')
        [Symbol('s')]() {}
      }
      return Bad;
    }).toThrow('@OnClusterEvent("e") on Bad.Symbol(s): only an instance method');
    expect(() => {
      class Bad {
        @OnClusterEvent('e')
        @OnClusterEvent('e')
        handle() {}
      }
      return Bad;
    }).toThrow('@OnClusterEvent("e") on Bad.handle: the method has this decorator twice.');
  });
});
