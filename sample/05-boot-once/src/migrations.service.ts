import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { ClusterService, MessengerService } from 'nestjs-cluster';

/** Time the pretended migration takes, in ms. */
const MIGRATION_TIME = 300;

/** Brings the database up to date before any worker listens. */
@Injectable()
export class Migrations implements OnModuleInit {
  private readonly logger = new Logger(Migrations.name);
  /** Version of the schema, the same in every worker. */
  schema = 0;

  constructor(
    private readonly messenger: MessengerService,
    private readonly cluster: ClusterService,
  ) {}

  /** Every worker calls this at boot: one of them migrates, all wait for it and get its result. */
  async onModuleInit(): Promise<void> {
    this.schema = await this.messenger.runOnce('migrate', () => this.migrate());
    this.logger.log(`slot ${this.cluster.slot} works with schema ${this.schema}`);
  }

  private async migrate(): Promise<number> {
    this.logger.log(`slot ${this.cluster.slot} migrates`);
    await new Promise((resolve) => setTimeout(resolve, MIGRATION_TIME));
    return 7;
  }
}
