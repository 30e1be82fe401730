import { CACHE_MANAGER, type Cache, CacheModule } from '@nestjs/cache-manager';
import { Controller, Get, Inject, Module, Post, Query } from '@nestjs/common';
import { MessengerService, OnClusterEvent } from 'nestjs-cluster';
import type { Feature } from '../feature.js';

@Controller('cache')
class CacheController {
  constructor(
    @Inject(CACHE_MANAGER) private readonly cache: Cache,
    private readonly messenger: MessengerService,
  ) {}

  /** A value that is worked out once and kept. */
  @Get()
  async read(@Query('key') key: string) {
    return { pid: process.pid, value: await this.cache.wrap(key, async () => crypto.randomUUID()) };
  }

  @Post('clear')
  async clear(@Query('key') key: string) {
    await this.messenger.map('cache.clear', key);
    return {};
  }

  @OnClusterEvent('cache.clear')
  forget(key: string) {
    return this.cache.del(key);
  }
}

@Module({ imports: [CacheModule.register()], controllers: [CacheController] })
class CachedModule {}

export const feature: Feature = { module: CachedModule };
