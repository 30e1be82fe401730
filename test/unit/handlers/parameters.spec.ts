import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Body,
  Controller,
  createParamDecorator,
  type ExecutionContext,
  Headers,
  Injectable,
  Param,
  ParseIntPipe,
  type PipeTransform,
  Post,
  Scope,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { IsInt } from 'class-validator';
import { OnClusterEvent } from '../../../lib/decorators/on-cluster-event.decorator.js';
import { ClusterEventContext } from '../../../lib/events/cluster-event-context.js';
import { type ExploredApp, exploredApp } from './explored-app.js';

let explored: ExploredApp | undefined;
afterEach(async () => {
  await explored?.app.close();
  explored = undefined;
});

class Size {
  @IsInt()
  size!: number;
}

const Tenant = createParamDecorator((field: string, execution: ExecutionContext) => {
  const data = execution.switchToRpc().getData<Record<string, unknown>>();
  return `${execution.getType()} ${execution.getHandler().name} ${String(data[field])}`;
});

describe.each([Scope.DEFAULT, Scope.REQUEST])('decorated parameters of a provider of scope %s', (scope) => {
  @Injectable()
  class Doubling implements PipeTransform {
    transform(value: number) {
      return value * 2;
    }
  }

  @Injectable({ scope })
  class Jobs {
    @OnClusterEvent('dto') dto(@Payload(new ValidationPipe({ transform: true })) size: Size, context: unknown) {
      return { isDto: size instanceof Size, isContext: context instanceof ClusterEventContext };
    }
    @OnClusterEvent('field') field(@Payload('id', ParseIntPipe) id: number) {
      return id;
    }
    @OnClusterEvent('injected') injected(@Payload('id', Doubling) id: number) {
      return id;
    }
    @OnClusterEvent('swapped') swapped(@Ctx() context: ClusterEventContext, @Payload() data: unknown) {
      return [context.event, data];
    }
    @OnClusterEvent('own') own(data: { tenant: string }, @Tenant('tenant') tenant: unknown) {
      return [data.tenant, tenant];
    }
    @UsePipes(new ValidationPipe({ transform: true, whitelist: true }))
    @OnClusterEvent('third')
    third(@Payload() size: Size, @Ctx() context: ClusterEventContext, @Payload('size') alone?: number) {
      return [size instanceof Size, context instanceof ClusterEventContext, alone];
    }
  }

  it('get what the decorators say, through the pipes in them', async () => {
    explored = await exploredApp({ providers: [Jobs, Doubling] });
    expect(await explored.answer('dto', { size: 1 })).toEqual({ isDto: true, isContext: true });
    await expect(explored.answer('dto', { size: 'x' })).rejects.toMatchObject({ status: 400 });
    expect(await explored.answer('field', { id: '7' })).toBe(7);
    await expect(explored.answer('field', { id: 'x' })).rejects.toMatchObject({ status: 400 });
    expect(await explored.answer('injected', { id: 4 })).toBe(8);
    expect(await explored.answer('swapped', 'data')).toEqual(['swapped', 'data']);
    expect(await explored.answer('own', { tenant: 'a' })).toEqual(['a', 'cluster own a']);
    expect(await explored.answer('third', { size: 1 })).toEqual([true, true, 1]);
  });
});

describe('a method that is a route as well', () => {
  @Controller()
  class Routes {
    @Post()
    @OnClusterEvent('body')
    body(@Body(new ValidationPipe({ transform: true })) size: Size, context: unknown) {
      return { isDto: size instanceof Size, isContext: context instanceof ClusterEventContext };
    }
    @Post(':id')
    @OnClusterEvent('param')
    param(@Param('id', ParseIntPipe) id: unknown, @Body() body: unknown) {
      return [id, body instanceof ClusterEventContext];
    }
    @Post('name')
    @OnClusterEvent('name')
    name(@Body('name') name: unknown, context: unknown) {
      return [name, context instanceof ClusterEventContext];
    }
    @Post('header')
    @OnClusterEvent('header')
    header(@Body() body: unknown, @Headers('x-tenant') tenant: unknown) {
      return [body, tenant instanceof ClusterEventContext];
    }
  }

  it('has its body for data; with parameters that only HTTP has, it gets data and context', async () => {
    explored = await exploredApp({ controllers: [Routes] });
    expect(await explored.answer('body', { size: 1 })).toEqual({ isDto: true, isContext: true });
    await expect(explored.answer('body', { size: 'x' })).rejects.toMatchObject({ status: 400 });
    expect(await explored.answer('param', 'data')).toEqual(['data', true]);
    expect(await explored.answer('name', 'data')).toEqual(['data', true]);
    expect(await explored.answer('header', 'data')).toEqual(['data', true]);
  });
});
