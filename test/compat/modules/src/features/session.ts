import { Controller, Get, Injectable, Module, type OnApplicationShutdown, Session } from '@nestjs/common';
import { RedisStore } from 'connect-redis';
import session from 'express-session';
import { createClient } from 'redis';
import type { Feature } from '../feature.js';

@Injectable()
class Redis implements OnApplicationShutdown {
  readonly client = createClient({ url: process.env['REDIS_URL']! });

  async onApplicationShutdown() {
    await this.client.close();
  }
}

/** How often this session has come. */
@Controller()
class VisitsController {
  @Get(['session', 'session-in-memory'])
  visit(@Session() visits: { count?: number }) {
    visits.count = (visits.count ?? 0) + 1;
    return { pid: process.pid, count: visits.count };
  }
}

@Module({ controllers: [VisitsController], providers: [Redis] })
class VisitsModule {}

export const feature: Feature = {
  module: VisitsModule,
  setUp: async (app) => {
    const { client } = app.get(Redis);
    await client.connect();
    const options = { secret: 'a secret of all workers', resave: false, saveUninitialized: true };
    app.use('/session', session({ ...options, store: new RedisStore({ client }) }));
    app.use('/session-in-memory', session({ ...options, store: new session.MemoryStore() }));
  },
};
