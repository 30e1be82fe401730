import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { ClusterService, ConsumeOnce, MessengerService } from 'nestjs-cluster';

/** Time the pretended warm-up takes, in ms. */
const WARM_UP_TIME = 1_000;

/** Work that has to be done once after a start, and for which nobody has to wait. */
@Injectable()
export class WarmUp implements OnApplicationBootstrap {
  private readonly logger = new Logger(WarmUp.name);

  constructor(
    private readonly messenger: MessengerService,
    private readonly cluster: ClusterService,
  ) {}

  /** Every worker asks for it; the common id makes one task of all their calls. Not awaited: boot goes on. */
  onApplicationBootstrap(): void {
    this.messenger
      .consume('cache.warm-up', undefined, { id: 'at-boot' })
      .catch((error: unknown) => this.logger.error(`the cache stays cold: ${String(error)}`));
  }

  @ConsumeOnce('cache.warm-up')
  async warmUp(): Promise<void> {
    this.logger.log(`slot ${this.cluster.slot} warms the cache up`);
    await new Promise((resolve) => setTimeout(resolve, WARM_UP_TIME));
    this.logger.log(`slot ${this.cluster.slot} has warmed the cache up`);
  }
}
