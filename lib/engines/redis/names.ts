import type { EngineContext } from '../../bus/engine.interface.js';

/** What things of one cluster are called in Redis. Names of clusters and environments hold no `:`, so no two of them give the same. */
export class RedisNames {
  private readonly prefix: string;

  constructor(
    { cluster, environment }: Pick<EngineContext, 'cluster' | 'environment'>,
    /** Of the keys' database: channels are the same in all of them. */
    private readonly db: number,
  ) {
    this.prefix = `nestjs-cluster:${cluster}:${environment}`;
  }

  channel(subject: string): string {
    return `${this.prefix}:say:${this.db}:${subject}`;
  }

  /** Where those who work in a queue hear that it has a task. */
  wake(queue: string): string {
    return `${this.prefix}:wake:${this.db}:${queue}`;
  }

  /** Before BullMQ's own names. */
  get tasks(): string {
    return `${this.prefix}:task`;
  }

  /** BullMQ keeps a task beside its own keys, such as `wait`, and refuses ids that are numbers. */
  job(id: string): string {
    return `.${id}`;
  }

  idOfJob(job: string): string {
    return job.slice(1);
  }

  /** Says for a while that a task was put in. */
  known(queue: string, id: string): string {
    return `${this.prefix}:known:${queue}:${id}`;
  }

  record(store: string, key: string): string {
    return `${this.prefix}:record:${store}:${key}`;
  }

  /** The last version given in a store. */
  version(store: string): string {
    return `${this.prefix}:version:${store}`;
  }

  /** The keys of a store, by the time at which they are forgotten. */
  index(store: string): string {
    return `${this.prefix}:index:${store}`;
  }
}
