import { Controller, Get, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { ClusterModule, ClusterService } from 'nestjs-cluster';
import { Heartbeat } from './heartbeat.service.js';
import { Migrations } from './migrations.service.js';
import { WarmUp } from './warm-up.service.js';

@Controller()
class StateController {
  constructor(
    private readonly cluster: ClusterService,
    private readonly migrations: Migrations,
  ) {}

  @Get()
  state() {
    return {
      slot: this.cluster.slot,
      pid: process.pid,
      leader: this.cluster.isLeader,
      schema: this.migrations.schema,
    };
  }
}

@Module({
  imports: [ClusterModule.forRoot(), ScheduleModule.forRoot()],
  controllers: [StateController],
  providers: [Migrations, WarmUp, Heartbeat],
})
export class AppModule {}
