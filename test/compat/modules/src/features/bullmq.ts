import { InjectQueue, Processor, QueueEventsHost, QueueEventsListener, BullModule, WorkerHost } from '@nestjs/bullmq';
import { Controller, Get, Module, Query } from '@nestjs/common';
import type { Job, Queue } from 'bullmq';
import { ClusterService } from 'nestjs-cluster';
import type { Feature } from '../feature.js';
import { report } from '../report.js';
import { untilLeaving } from '../until-leaving.js';

/** From the first event on: one that comes before it listens would be waited for in vain. */
@QueueEventsListener('sums', { lastEventId: '0-0' })
class SumsEvents extends QueueEventsHost {}

@Processor('sums')
class SumsProcessor extends WorkerHost {
  constructor(private readonly cluster: ClusterService) {
    super();
  }

  /** A job that is held ends while this worker leaves. */
  async process({ id, data, attemptsMade, stalledCounter }: Job<{ n: number; hold: boolean }>) {
    report('job', { id, n: data.n, attemptsMade, stalledCounter });
    if (data.hold) await untilLeaving(this.cluster);
    report('job-done', { id });
    return { pid: process.pid, square: data.n ** 2 };
  }
}

@Controller('bullmq')
class SumsController {
  constructor(
    @InjectQueue('sums') private readonly queue: Queue,
    private readonly events: SumsEvents,
  ) {}

  /** What became of the job. */
  @Get()
  async ask(@Query('n') n: string) {
    const job = await this.queue.add('square', { n: Number(n), hold: false });
    return (await job.waitUntilFinished(this.events.queueEvents, 30_000)) as object;
  }

  @Get('hold')
  async hold() {
    return { id: (await this.queue.add('square', { n: 0, hold: true })).id };
  }

  @Get('counts')
  counts() {
    return this.queue.getJobCounts('active', 'waiting', 'failed', 'completed');
  }
}

@Module({
  imports: [
    BullModule.forRoot({ connection: { url: process.env['REDIS_URL']! } }),
    BullModule.registerQueue({ name: 'sums' }),
  ],
  controllers: [SumsController],
  providers: [SumsProcessor, SumsEvents],
})
class SumsModule {}

export const feature: Feature = { module: SumsModule };
