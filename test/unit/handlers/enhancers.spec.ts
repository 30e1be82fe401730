import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  type ArgumentMetadata,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
  Body,
  Catch,
  Controller,
  Injectable,
  Logger,
  Module,
  Post,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { IsInt, IsString } from 'class-validator';
import { map } from 'rxjs';
import { OnClusterEvent } from '../../../lib/decorators/on-cluster-event.decorator.js';
import { ClusterEventContext } from '../../../lib/events/cluster-event-context.js';
import { type ExploredApp, exploredApp } from './explored-app.js';

class Job {
  @IsString()
  name!: string;
  @IsInt()
  size!: number;
}

let explored: ExploredApp | undefined;

/** An app whose handlers have its global enhancers, too. */
const inheriting: typeof exploredApp = (metadata, prepare) => exploredApp(metadata, prepare, true, true);

afterEach(async () => {
  await explored?.app.close();
  explored = undefined;
  jest.restoreAllMocks();
});

/** A guard that records what it was asked and answers as told. */
function recordingGuard(answer: boolean) {
  const asked: { type: string; data: unknown; context: unknown; handler: string; owner: string }[] = [];
  @Injectable()
  class Guard implements CanActivate {
    canActivate(execution: ExecutionContext) {
      const rpc = execution.switchToRpc();
      asked.push({
        type: execution.getType<string>(),
        data: rpc.getData(),
        context: rpc.getContext(),
        handler: execution.getHandler().name,
        owner: execution.getClass().name,
      });
      return answer;
    }
  }
  return { Guard, asked };
}

describe('pipes', () => {
  it('validates data against the DTO of the signature and transforms it; the context is untouched', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class Jobs {
      @UsePipes(new ValidationPipe({ transform: true, whitelist: true }))
      @OnClusterEvent('job')
      run(job: Job, context: ClusterEventContext) {
        seen.push(job, context);
        return job.size;
      }
    }
    explored = await exploredApp({ providers: [Jobs] });
    expect(await explored.answer('job', { name: 'a', size: 1, extra: true })).toBe(1);
    expect(seen[0]).toBeInstanceOf(Job);
    expect(seen[0]).toEqual({ name: 'a', size: 1 });
    expect(seen[1]).toBeInstanceOf(ClusterEventContext);
    expect((seen[1] as ClusterEventContext).event).toBe('job');
    await expect(explored.answer('job', { name: 'a', size: 'big' })).rejects.toMatchObject({
      response: { message: ['size must be an integer number'] },
    });
    expect(seen).toHaveLength(2);
  });

  it('validates with a global pipe set on the app, and one provided as APP_PIPE', async () => {
    @Injectable()
    class Jobs {
      @OnClusterEvent('job')
      run(job: Job) {
        return job instanceof Job;
      }
    }
    const pipe = new ValidationPipe({ transform: true });
    for (const [metadata, prepare] of [
      [{ providers: [Jobs] }, (app: ExploredApp['app']) => void app.useGlobalPipes(pipe)],
      [{ providers: [Jobs, { provide: APP_PIPE, useValue: pipe }] }, undefined],
    ] as const) {
      explored = await inheriting({ providers: [...metadata.providers] }, prepare);
      expect(await explored.answer('job', { name: 'a', size: 1 })).toBe(true);
      await expect(explored.answer('job', {})).rejects.toThrow('Bad Request');
      await explored.app.close();
    }
  });

  it('sees the data only, with the type of the parameter', async () => {
    const seen: unknown[] = [];
    class Recorder implements PipeTransform {
      transform(value: unknown, { type, metatype }: ArgumentMetadata) {
        seen.push([value, type, metatype]);
        return 'transformed';
      }
    }
    @Injectable()
    class Jobs {
      @UsePipes(Recorder)
      @OnClusterEvent('job')
      run(data: Job, context: ClusterEventContext) {
        return [data, context.event];
      }
    }
    explored = await exploredApp({ providers: [Jobs] });
    expect(await explored.answer('job', 1)).toEqual(['transformed', 'job']);
    expect(seen).toEqual([[1, 'body', Job]]);
  });

  it('leaves a method that is also a route its own parameters', async () => {
    class Upper implements PipeTransform {
      transform(value: unknown) {
        return typeof value === 'string' ? value.toUpperCase() : value;
      }
    }
    @Controller('jobs')
    class Jobs {
      @Post()
      @UsePipes(new Upper())
      @OnClusterEvent('job')
      run(@Body('name') name: string) {
        return { name };
      }
    }
    explored = await exploredApp({ controllers: [Jobs] });
    expect(await explored.answer('job', 'event')).toEqual({ name: 'EVENT' });
    await explored.app.listen(0);
    const response = await fetch(`${await explored.app.getUrl()}/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"name":"http"}',
    });
    expect(await response.json()).toEqual({ name: 'HTTP' });
  });
});

describe('guards', () => {
  it("sees a context of type 'cluster' with data, context, class and handler", async () => {
    const { Guard, asked } = recordingGuard(true);
    @Injectable()
    class Jobs {
      @UseGuards(Guard)
      @OnClusterEvent('job')
      run() {
        return 'ran';
      }
    }
    explored = await exploredApp({ providers: [Jobs] });
    expect(await explored.answer('job', 7)).toBe('ran');
    expect(asked).toEqual([
      { type: 'cluster', data: 7, context: expect.any(ClusterEventContext), handler: 'run', owner: 'Jobs' },
    ]);
  });

  it('refuses the event: the handler does not run and the caller gets ForbiddenException', async () => {
    const { Guard } = recordingGuard(false);
    const ran = jest.fn();
    @Injectable()
    @UseGuards(Guard)
    class Jobs {
      @OnClusterEvent('job')
      run() {
        ran();
      }
    }
    explored = await exploredApp({ providers: [Jobs] });
    await expect(explored.answer('job')).rejects.toMatchObject({ name: 'ForbiddenException', status: 403 });
    expect(ran).not.toHaveBeenCalled();
  });

  it('runs the class-bound guard of a controller, with its dependencies', async () => {
    @Injectable()
    class Policy {
      readonly allows = false;
    }
    @Injectable()
    class Guard implements CanActivate {
      constructor(private readonly policy: Policy) {}
      canActivate() {
        return this.policy.allows;
      }
    }
    @Controller()
    @UseGuards(Guard)
    class Jobs {
      @OnClusterEvent('job')
      run() {
        return 'ran';
      }
    }
    explored = await exploredApp({ controllers: [Jobs], providers: [Policy] });
    await expect(explored.answer('job')).rejects.toMatchObject({ status: 403 });
  });

  it('applies APP_GUARD where the app’s configuration is inherited', async () => {
    const { Guard, asked } = recordingGuard(false);
    @Injectable()
    class Jobs {
      @OnClusterEvent('job')
      run() {
        return 'ran';
      }
    }
    explored = await inheriting({ providers: [Jobs, { provide: APP_GUARD, useClass: Guard }] });
    await expect(explored.answer('job')).rejects.toMatchObject({ status: 403 });
    expect(asked).toHaveLength(1);
  });

  it('takes the guard from the module of the class, though a factory elsewhere gives the same instance', async () => {
    @Injectable()
    class Policy {
      readonly allows = false;
    }
    @Injectable()
    class Guard implements CanActivate {
      constructor(private readonly policy: Policy) {}
      canActivate() {
        return this.policy.allows;
      }
    }
    @Injectable()
    @UseGuards(Guard)
    class Jobs {
      @OnClusterEvent('job')
      run() {
        return 'ran';
      }
    }
    @Module({ providers: [Jobs, Policy], exports: [Jobs] })
    class JobsModule {}
    @Module({
      imports: [JobsModule],
      providers: [{ provide: 'JOBS', useFactory: (jobs: Jobs) => jobs, inject: [Jobs] }],
    })
    class FactoryModule {}
    explored = await exploredApp({ imports: [FactoryModule] });
    expect(explored.registry.listeners('job')).toHaveLength(1);
    await expect(explored.answer('job')).rejects.toMatchObject({ status: 403 });
  });

  it('runs a transient guard of a request-scoped provider', async () => {
    @Injectable({ scope: Scope.TRANSIENT })
    class Guard implements CanActivate {
      readonly constructed = true;
      canActivate() {
        return !this.constructed;
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class Jobs {
      @UseGuards(Guard)
      @OnClusterEvent('job')
      run() {
        return 'ran';
      }
    }
    explored = await exploredApp({ providers: [Jobs] });
    await expect(explored.answer('job')).rejects.toMatchObject({ status: 403 });
  });

  it('runs a request-scoped guard bound to a method, with a fresh instance for each event', async () => {
    let made = 0;
    @Injectable({ scope: Scope.REQUEST })
    class Guard implements CanActivate {
      readonly number = ++made;
      canActivate() {
        return this.number !== 2;
      }
    }
    @Injectable()
    class Jobs {
      @UseGuards(Guard)
      @OnClusterEvent('job')
      run() {
        return 'ran';
      }
    }
    explored = await exploredApp({ providers: [Jobs] });
    made = 0;
    expect(await explored.answer('job')).toBe('ran');
    await expect(explored.answer('job')).rejects.toMatchObject({ status: 403 });
    expect(await explored.answer('job')).toBe('ran');
  });
});

describe('interceptors', () => {
  class Wrap implements NestInterceptor {
    intercept(_context: ExecutionContext, next: CallHandler) {
      return next.handle().pipe(map((value: unknown) => ({ value })));
    }
  }

  it('maps the result of a handler, bound to the method or globally', async () => {
    @Injectable()
    class Jobs {
      @UseInterceptors(Wrap)
      @OnClusterEvent('bound')
      bound(data: number) {
        return data + 1;
      }
      @OnClusterEvent('plain')
      plain(data: number) {
        return data;
      }
    }
    explored = await exploredApp({ providers: [Jobs] });
    expect(await explored.answer('bound', 1)).toEqual({ value: 2 });
    expect(await explored.answer('plain', 1)).toBe(1);
    await explored.app.close();
    explored = await inheriting({ providers: [Jobs, { provide: APP_INTERCEPTOR, useClass: Wrap }] });
    expect(await explored.answer('bound', 1)).toEqual({ value: { value: 2 } });
    expect(await explored.answer('plain', 1)).toEqual({ value: 1 });
  });

  it('works around a request-scoped provider', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Jobs {
      @UseInterceptors(Wrap)
      @OnClusterEvent('job')
      run(data: number) {
        return data;
      }
    }
    explored = await exploredApp({ providers: [Jobs] });
    expect(await explored.answer('job', 5)).toEqual({ value: 5 });
  });
});

describe('filters', () => {
  class Odd extends Error {}

  @Catch(Odd)
  class OddFilter implements ExceptionFilter {
    catch(error: Odd, host: ArgumentsHost) {
      return { filtered: error.message, type: host.getType<string>() };
    }
  }

  @Injectable()
  class Jobs {
    @OnClusterEvent('job')
    run(data: string) {
      throw data === 'odd' ? new Odd('odd') : new Error('even');
    }
  }

  @Injectable()
  @UseFilters(OddFilter)
  class FilteredJobs extends Jobs {}

  it('turns what it catches into a result and lets other errors through', async () => {
    jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    for (const providers of [[FilteredJobs], [Jobs, { provide: APP_FILTER, useClass: OddFilter }]]) {
      explored = await inheriting({ providers });
      expect(await explored.answer('job', 'odd')).toEqual({ filtered: 'odd', type: 'cluster' });
      await expect(explored.answer('job', 'even')).rejects.toThrow('even');
      await explored.app.close();
    }
  });

  it("does not log an error where there is no filter: that is the dispatcher's or the caller's to do", async () => {
    const error = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const { Guard } = recordingGuard(true);
    explored = await inheriting({ providers: [Jobs, { provide: APP_GUARD, useClass: Guard }] });
    await expect(explored.answer('job', 'even')).rejects.toThrow('even');
    expect(error).not.toHaveBeenCalled();
  });
});

describe('a handler with nothing bound to it', () => {
  it('runs synchronously, without the promises of the pipeline', async () => {
    @Injectable()
    class Jobs {
      @OnClusterEvent('job')
      run(data: number) {
        return data * 2;
      }
    }
    explored = await exploredApp({ providers: [Jobs] });
    const context = new ClusterEventContext('job', '1', 0, 1, Infinity);
    expect(explored.registry.answerer('job')!.invoke(21, context)).toBe(42);
  });
});
