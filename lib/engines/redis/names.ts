import type { EngineContext } from '../../bus/engine.interface.js';

/**
 * The names of a cluster's keys and channels in Redis. Clusters and environments have no `:`, so names never collide.
 */
export class RedisNames {
  private readonly prefix: string;

  constructor(
    { cluster, environment }: Pick<EngineContext, 'cluster' | 'environment'>,
    /** The number of the keys' database. Channels are shared by all databases, so it is part of their names. */
    private readonly db: number,
  ) {
    this.prefix = `nestjs-cluster:${cluster}:${environment}`;
  }

  channel(subject: string): string {
    return `${this.prefix}:say:${this.db}:${subject}`;
  }

  /** The channel on which the workers of a queue are told that it has a task. */
  wake(queue: string): string {
    return `${this.prefix}:wake:${this.db}:${queue}`;
  }

  /** The prefix of BullMQ's own names. */
  get tasks(): string {
    return `${this.prefix}:task`;
  }

  /** BullMQ keeps a task beside its own keys, such as `wait`, and refuses ids that are numbers; the dot avoids both. */
  job(id: string): string {
    return `.${id}`;
  }

  idOfJob(job: string): string {
    return job.slice(1);
  }

  /** The key that shows for a while that a task was added. */
  known(queue: string, id: string): string {
    return `${this.prefix}:known:${queue}:${id}`;
  }

  record(store: string, key: string): string {
    return `${this.prefix}:record:${store}:${key}`;
  }

  /** The key of the last version that a store has used. */
  version(store: string): string {
    return `${this.prefix}:version:${store}`;
  }

  /** The key of a store's index: its keys, sorted by the time at which they expire. */
  index(store: string): string {
    return `${this.prefix}:index:${store}`;
  }
}
