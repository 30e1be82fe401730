import { Controller, type ExecutionContext, Get, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { MessengerService, OnClusterEvent } from 'nestjs-cluster';
import type { Feature } from '../feature.js';

interface Request {
  readonly path: string;
  readonly headers: Record<string, string | undefined>;
}

@Controller('throttler')
class ThrottledController {
  constructor(private readonly messenger: MessengerService) {}

  @Get()
  async ask() {
    // More than the limit: a handler is no request.
    for (let i = 0; i < 5; i++) await this.messenger.map('throttler.ask');
    return { pid: process.pid };
  }

  @OnClusterEvent('throttler.ask')
  asked() {
    return process.pid;
  }
}

@Module({
  imports: [
    ThrottlerModule.forRoot({
      throttlers: [{ ttl: 600_000, limit: 3 }],
      getTracker: async ({ headers }) => (headers as Request['headers'])['x-client'] ?? 'nobody',
      skipIf: (context: ExecutionContext) => context.switchToHttp().getRequest<Request>().path !== '/throttler',
    }),
  ],
  controllers: [ThrottledController],
  providers: [{ provide: APP_GUARD, useClass: ThrottlerGuard }],
})
class ThrottledModule {}

export const feature: Feature = { module: ThrottledModule };
