import { Injectable, Module, type OnModuleInit } from '@nestjs/common';
import { Cron, CronExpression, Interval, ScheduleModule } from '@nestjs/schedule';
import { MessengerService, RunOnLeader } from 'nestjs-cluster';
import type { Feature } from '../feature.js';
import { report } from '../report.js';

@Injectable()
class Jobs implements OnModuleInit {
  constructor(private readonly messenger: MessengerService) {}

  async onModuleInit() {
    await this.messenger.runOnce('seed:1', () => report('seeded'));
  }

  @Interval(100)
  everywhere() {
    report('tick');
  }

  @Cron(CronExpression.EVERY_SECOND)
  everySecond() {
    report('cron');
  }

  @Interval(100)
  @RunOnLeader()
  once() {
    report('led');
  }
}

@Module({ imports: [ScheduleModule.forRoot()], providers: [Jobs] })
class JobsModule {}

export const feature: Feature = { module: JobsModule };
