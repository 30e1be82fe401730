import { Module } from '@nestjs/common';
import { ClusterModule } from 'nestjs-cluster';
import { nats } from 'nestjs-cluster/nats';
import { redis } from 'nestjs-cluster/redis';
import { AppController } from './app.controller.js';
import { NotesService } from './notes.service.js';
import { PrimaryModule } from './primary.module.js';

const { HOST_NAME, NATS_URL, REDIS_URL } = process.env;

@Module({
  imports: [
    ClusterModule.forRoot({
      primary: PrimaryModule,
      // All that many hosts take. `host` is needed here because both are on one machine.
      messenger: {
        engine: REDIS_URL ? redis({ url: REDIS_URL }) : nats({ servers: NATS_URL }),
        cluster: 'many-hosts',
        host: HOST_NAME,
      },
    }),
  ],
  controllers: [AppController],
  providers: [NotesService],
})
export class AppModule {}
