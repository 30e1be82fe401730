import { Injectable, Logger } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { ClusterService, RunOnLeader } from 'nestjs-cluster';

/** A scheduled job that must not run once per worker. */
@Injectable()
export class Heartbeat {
  private readonly logger = new Logger(Heartbeat.name);

  constructor(private readonly cluster: ClusterService) {}

  /** The schedule runs in every worker; the method's body only in the leader. */
  @Cron(CronExpression.EVERY_SECOND)
  @RunOnLeader()
  beat(): void {
    this.logger.log(`slot ${this.cluster.slot}, pid ${process.pid}, is the leader`);
  }
}
