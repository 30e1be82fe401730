import { Controller, Get, Module } from '@nestjs/common';
import { MessengerService, OnClusterEvent } from 'nestjs-cluster';
import { ClsModule, ClsService } from 'nestjs-cls';
import { setTimeout } from 'node:timers/promises';
import type { Feature } from '../feature.js';

@Controller('cls')
class ContextController {
  constructor(
    private readonly cls: ClsService,
    private readonly messenger: MessengerService,
  ) {}

  @Get()
  async read() {
    await setTimeout(5); // other requests come between
    const inHandlers = await this.messenger.map('cls.read');
    return { pid: process.pid, tenant: this.cls.get('tenant') as unknown, inHandlers };
  }

  @OnClusterEvent('cls.read')
  async handle() {
    await setTimeout(1);
    return this.cls.isActive() ? this.cls.get('tenant') : 'no context';
  }
}

@Module({
  imports: [
    ClsModule.forRoot({
      middleware: {
        mount: true,
        setup: (cls, request: { headers: Record<string, string> }) => cls.set('tenant', request.headers['x-tenant']),
      },
    }),
  ],
  controllers: [ContextController],
})
class TenantModule {}

export const feature: Feature = { module: TenantModule };
