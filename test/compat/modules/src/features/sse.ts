import { Controller, Get, type MessageEvent, Module, Query, Sse } from '@nestjs/common';
import { MessengerService } from 'nestjs-cluster';
import { concat, map, merge, NEVER, of, type Observable } from 'rxjs';
import type { Feature } from '../feature.js';

@Controller('sse')
class NewsController {
  constructor(private readonly messenger: MessengerService) {}

  @Sse()
  news(): Observable<MessageEvent> {
    const news = this.messenger.events$('sse.news').pipe(map(({ data }) => ({ data })));
    return merge(of({ data: { pid: process.pid } }), concat(news, NEVER));
  }

  @Get('say')
  async say(@Query('text') text: string) {
    await this.messenger.broadcast('sse.news', { text });
    return { pid: process.pid };
  }
}

@Module({ controllers: [NewsController] })
class NewsModule {}

export const feature: Feature = { module: NewsModule };
