import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
  type ArgumentMetadata,
  type ExceptionFilter,
  type PipeTransform,
  Catch,
  Inject,
  Injectable,
  Logger,
  Module,
  Scope,
  UseFilters,
  UseGuards,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import {
  APP_FILTER,
  APP_GUARD,
  APP_INTERCEPTOR,
  APP_PIPE,
  ContextIdFactory,
  type ContextIdStrategy,
  LazyModuleLoader,
  REQUEST,
} from '@nestjs/core';
import { IsInt } from 'class-validator';
import { Observable, throwError } from 'rxjs';
import { OnClusterEvent } from '../../../lib/decorators/on-cluster-event.decorator.js';
import { onLazyLoad } from '../../../lib/handlers/lazy-modules.js';
import { ClusterEventContext } from '../../../lib/events/cluster-event-context.js';
import { type ExploredApp, exploredApp } from './explored-app.js';

let explored: ExploredApp | undefined;
let warned: jest.SpiedFunction<Logger['warn']>;
beforeEach(() => {
  warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
});
afterEach(async () => {
  await explored?.app.close();
  explored = undefined;
  ContextIdFactory.apply(undefined as unknown as ContextIdStrategy);
  jest.restoreAllMocks();
});

const never = (what: string) => () => {
  throw new Error(`the global ${what} ran`);
};
class GlobalGuard implements CanActivate {
  canActivate = never('guard');
}
class GlobalPipe implements PipeTransform {
  transform = never('pipe');
}
class GlobalInterceptor implements NestInterceptor {
  intercept = never('interceptor') as (context: ExecutionContext, next: CallHandler) => Observable<unknown>;
}
@Catch()
class GlobalFilter implements ExceptionFilter {
  catch() {
    return 'the global filter ran';
  }
}

const GLOBAL = [
  { provide: APP_GUARD, useClass: GlobalGuard },
  { provide: APP_PIPE, useClass: GlobalPipe },
  { provide: APP_INTERCEPTOR, useClass: GlobalInterceptor },
  { provide: APP_FILTER, useClass: GlobalFilter },
];

describe('what is global', () => {
  for (const scope of [Scope.DEFAULT, Scope.REQUEST, Scope.TRANSIENT]) {
    it(`stays out of the handlers of a provider of scope ${Scope[scope]}, and what is bound to them applies`, async () => {
      const asked: string[] = [];
      class OwnGuard implements CanActivate {
        canActivate(context: ExecutionContext) {
          asked.push(context.getHandler().name);
          return true;
        }
      }
      @Injectable({ scope })
      class Jobs {
        @OnClusterEvent('job')
        run(data: number) {
          return data + 1;
        }
        @OnClusterEvent('failing')
        fail() {
          throw new Error('own');
        }
        @UseGuards(OwnGuard)
        @OnClusterEvent('guarded')
        guarded() {
          return 'ran';
        }
      }
      explored = await exploredApp({ providers: [Jobs, ...GLOBAL] }, (app) => {
        app.useGlobalGuards(new GlobalGuard());
        app.useGlobalPipes(new GlobalPipe());
        app.useGlobalInterceptors(new GlobalInterceptor());
        app.useGlobalFilters(new GlobalFilter());
      });
      expect(await explored.answer('job', 1)).toBe(2);
      await expect(explored.answer('failing')).rejects.toThrow('own');
      expect(await explored.answer('guarded')).toBe('ran');
      expect(asked).toEqual(['guarded']);
    });
  }
});

describe('a pipe that validates and transforms', () => {
  class Size {
    @IsInt()
    size!: number;
  }

  @Injectable()
  @UsePipes(new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }))
  class Things {
    @OnClusterEvent('map') map(thing: Map<string, number>) {
      return thing;
    }
    @OnClusterEvent('set') set(thing: Set<number>) {
      return thing;
    }
    @OnClusterEvent('bytes') bytes(thing: Uint8Array) {
      return thing;
    }
    @OnClusterEvent('floats') floats(thing: Float64Array) {
      return thing;
    }
    @OnClusterEvent('buffer') buffer(thing: Buffer) {
      return thing;
    }
    @OnClusterEvent('memory') memory(thing: ArrayBuffer) {
      return thing;
    }
    @OnClusterEvent('view') view(thing: DataView) {
      return thing;
    }
    @OnClusterEvent('regexp') regexp(thing: RegExp) {
      return thing;
    }
    @OnClusterEvent('error') error(thing: Error) {
      return thing;
    }
    @OnClusterEvent('range') range(thing: RangeError) {
      return thing;
    }
    @OnClusterEvent('date') date(thing: Date) {
      return thing;
    }
    @OnClusterEvent('bigint') bigint(thing: bigint) {
      return thing;
    }
    @OnClusterEvent('string') string(thing: string) {
      return thing;
    }
    @OnClusterEvent('number') number(thing: number) {
      return thing;
    }
    @OnClusterEvent('array') array(thing: number[]) {
      return thing;
    }
    @OnClusterEvent('object') object(thing: object) {
      return thing;
    }
    @OnClusterEvent('dto') dto(thing: Size) {
      return thing;
    }
  }

  it('leaves what is of a built-in type as it came', async () => {
    explored = await exploredApp({ providers: [Things] });
    const things: [string, unknown][] = [
      ['map', new Map([['a', 1]])],
      ['set', new Set([1])],
      ['bytes', new Uint8Array([1, 2])],
      ['floats', new Float64Array([0.5])],
      ['buffer', Buffer.from('ab')],
      ['memory', new ArrayBuffer(4)],
      ['view', new DataView(new ArrayBuffer(4))],
      ['regexp', /a+/gi],
      ['error', new Error('e')],
      ['range', new RangeError('r')],
      ['date', new Date(0)],
      ['bigint', 10n],
      ['string', 'text'],
      ['number', 1.5],
      ['array', [1, 2]],
      ['object', new Map([['a', 1]])],
    ];
    for (const [event, thing] of things) expect(await explored.answer(event, thing)).toBe(thing);
  });

  it('validates and transforms a DTO', async () => {
    explored = await exploredApp({ providers: [Things] });
    expect(await explored.answer('dto', { size: 1 })).toBeInstanceOf(Size);
    await expect(explored.answer('dto', { size: 'x' })).rejects.toMatchObject({ status: 400 });
    await expect(explored.answer('dto', { size: 1, more: 1 })).rejects.toMatchObject({ status: 400 });
  });

  it('is one of several: each sees the value of a built-in type', async () => {
    const seen: [unknown, ArgumentMetadata['metatype']][] = [];
    class Recorder implements PipeTransform {
      transform(value: unknown, { metatype }: ArgumentMetadata) {
        seen.push([value, metatype]);
        return value;
      }
    }
    @Injectable()
    class Jobs {
      @UsePipes(Recorder)
      @OnClusterEvent('job')
      run(data: Map<string, number>) {
        return data.size;
      }
    }
    explored = await exploredApp({ providers: [Jobs] });
    const data = new Map([['a', 1]]);
    expect(await explored.answer('job', data)).toBe(1);
    expect(seen).toEqual([[data, Object]]);
  });
});

describe('a filter that is bound to a handler', () => {
  class Boom extends Error {
    readonly code = 'E_BOOM';
  }
  const failing = (Filter: new () => ExceptionFilter) => {
    @Injectable()
    @UseFilters(Filter)
    class Jobs {
      @OnClusterEvent('job')
      run() {
        throw new Boom('boom');
      }
    }
    return exploredApp({ providers: [Jobs] });
  };

  it('and answers HTTP does not hide the error; a warning names the handler, and says it once', async () => {
    @Catch()
    class HttpFilter implements ExceptionFilter {
      catch(_error: unknown, host: ArgumentsHost) {
        host.switchToHttp().getResponse<{ status: (code: number) => void }>().status(500);
      }
    }
    explored = await failing(HttpFilter);
    for (let i = 0; i < 3; i++) {
      await expect(explored.answer('job')).rejects.toMatchObject({ message: 'boom', code: 'E_BOOM' });
    }
    expect(warned).toHaveBeenCalledTimes(1);
    expect(warned.mock.calls[0]![0]).toMatch(/filter of Jobs\.run failed 1 time.*'status'.*host\.getType\(\)/);
  });

  it('and gives nothing, at once or later, does not hide the error', async () => {
    @Catch()
    class Silent implements ExceptionFilter {
      catch() {}
    }
    @Catch()
    class SilentLater implements ExceptionFilter {
      async catch() {}
    }
    for (const filter of [Silent, SilentLater]) {
      explored = await failing(filter);
      await expect(explored.answer('job')).rejects.toThrow('boom');
      await explored.app.close();
    }
    expect(warned).not.toHaveBeenCalled();
  });

  it('may throw another error, or give one as an Observable, as microservices do', async () => {
    @Catch()
    class Throws implements ExceptionFilter {
      catch(error: Error): never {
        throw new RangeError(`mapped ${error.message}`);
      }
    }
    @Catch()
    class Gives implements ExceptionFilter {
      catch(error: Error) {
        return throwError(() => new RangeError(`mapped ${error.message}`));
      }
    }
    for (const filter of [Throws, Gives]) {
      explored = await failing(filter);
      await expect(explored.answer('job')).rejects.toThrow('mapped boom');
      await explored.app.close();
    }
  });
});

describe('a durable provider', () => {
  const strategy = (tenantOf: (request: any) => string): ContextIdStrategy => {
    const trees = new Map<string, ReturnType<typeof ContextIdFactory.create>>();
    class TenantStrategy implements ContextIdStrategy {
      attach(contextId: ReturnType<typeof ContextIdFactory.create>, request: unknown) {
        const tenant = tenantOf(request);
        const tree = trees.get(tenant) ?? ContextIdFactory.create();
        trees.set(tenant, tree);
        return {
          resolve: ({ isTreeDurable }: { isTreeDurable: boolean }) => (isTreeDurable ? tree : contextId),
          payload: { tenant },
        };
      }
    }
    return new TenantStrategy();
  };

  let made = 0;
  @Injectable({ scope: Scope.REQUEST, durable: true })
  class Pool {
    readonly number = (made += 1);
  }
  @Injectable({ scope: Scope.REQUEST, durable: true })
  class Jobs {
    constructor(private readonly pool: Pool) {}
    @OnClusterEvent('job')
    run() {
      return this.pool.number;
    }
  }

  it('is shared by the events of a tenant, whom the strategy finds in { data, context }', async () => {
    ContextIdFactory.apply(
      strategy(({ data, context }: { data: { tenant: string }; context: unknown }) => {
        expect(context).toBeInstanceOf(ClusterEventContext);
        return data.tenant;
      }),
    );
    explored = await exploredApp({ providers: [Jobs, Pool] });
    const pools = [];
    for (const tenant of ['a', 'b', 'a']) pools.push(await explored.answer('job', { tenant }));
    expect(pools[0]).toBe(pools[2]);
    expect(pools[0]).not.toBe(pools[1]);
  });

  it('fails with an error that names event, handler, strategy and remedy where the strategy reads headers', async () => {
    ContextIdFactory.apply(
      strategy((request: { headers: Record<string, string> }) => request.headers['x-tenant-id'] ?? ''),
    );
    explored = await exploredApp({ providers: [Jobs, Pool] });
    await expect(explored.answer('job', { tenant: 'a' })).rejects.toMatchObject({
      code: 'ERR_CLUSTER_EVENT_CONTEXT',
      message: expect.stringMatching(
        /^TenantStrategy.*event 'job' for Jobs\.run: Cannot read.*x-tenant-id.*\{ data, context \}.*attach\(\)/,
      ),
      cause: expect.any(TypeError),
    });
  });
});

describe('a module that is loaded lazily', () => {
  it('brings its handlers and those of what it imports, once, before the loader returns', async () => {
    @Injectable()
    class Inner {
      @OnClusterEvent('inner')
      run() {
        return 'inner';
      }
    }
    @Module({ providers: [Inner] })
    class InnerModule {}
    @Injectable()
    class Outer {
      @OnClusterEvent('outer')
      run() {
        return 'outer';
      }
    }
    @Module({ imports: [InnerModule], providers: [Outer] })
    class OuterModule {}
    @Injectable()
    class Eager {
      @OnClusterEvent('eager')
      run() {
        return 'eager';
      }
    }
    explored = await exploredApp({ providers: [Eager] });
    const { app, registry, modules, explorer } = explored;
    const loader = app.get(LazyModuleLoader);
    onLazyLoad(loader, modules, (loaded) => explorer.explore(loaded));
    expect(registry.listeners('outer')).toHaveLength(0);
    await loader.load(() => OuterModule);
    for (const event of ['outer', 'inner', 'eager']) {
      expect(await explored.answer(event)).toBe(event);
    }
    await loader.load(() => OuterModule);
    await loader.load(() => InnerModule);
    for (const event of ['outer', 'inner', 'eager']) expect(registry.listeners(event)).toHaveLength(1);
  });
});

describe('a request-scoped provider', () => {
  it('gets { data, context } as REQUEST under a strategy that leaves it alone', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Jobs {
      constructor(@Inject(REQUEST) private readonly request: { data: unknown; context: ClusterEventContext }) {}
      @OnClusterEvent('job')
      run() {
        return [this.request.data, this.request.context.event];
      }
    }
    explored = await exploredApp({ providers: [Jobs] });
    expect(await explored.answer('job', 1)).toEqual([1, 'job']);
  });
});
