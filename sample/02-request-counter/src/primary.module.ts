import { Injectable, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { type ClusterEventContext, OnClusterEvent } from 'nestjs-cluster';

/** How often the totals are printed, in ms, where they changed. */
const PRINT_INTERVAL = 1_000;

/** Lives in the primary, where one count of all workers' requests can be kept. */
@Injectable()
class RequestCounter implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly totals = new Map<ClusterEventContext['source'], number>();
  private printed = 0;
  private timer?: NodeJS.Timeout;

  @OnClusterEvent('request.received')
  count(_pid: number, { source }: ClusterEventContext): void {
    this.totals.set(source, (this.totals.get(source) ?? 0) + 1);
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.print(), PRINT_INTERVAL);
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
    this.print();
  }

  private print(): void {
    const counts = [...this.totals].sort(([a], [b]) => Number(a) - Number(b));
    const sum = counts.reduce((total, [, count]) => total + count, 0);
    if (sum === this.printed) return;
    this.printed = sum;
    console.log(`requests: ${sum} (${counts.map(([slot, count]) => `slot ${slot}: ${count}`).join(', ')})`);
  }
}

@Module({ providers: [RequestCounter] })
export class PrimaryModule {}
