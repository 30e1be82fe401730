import type { EngineContext } from '../../bus/engine.interface.js';

/**
 * The names of a cluster's subjects, streams and buckets in NATS. Names of clusters and environments contain neither
 * `_` nor `.`, so two clusters never share a name.
 */
export class NatsNames {
  private readonly dotted: string;
  private readonly plain: string;

  constructor({ cluster, environment }: Pick<EngineContext, 'cluster' | 'environment'>) {
    this.dotted = `nestjs-cluster.${cluster}.${environment}`;
    this.plain = `nestjs-cluster_${cluster}_${environment}`;
  }

  subject(name: string): string {
    return `${this.dotted}.say.${name}`;
  }

  /** The stream that holds the tasks of all queues. */
  get stream(): string {
    return `${this.plain}_tasks`;
  }

  /** Each task has a subject of its own, so the stream refuses a second task with the same id. */
  task(queue: string, id: string): string {
    return `${this.dotted}.task.${queue}.${id}`;
  }

  get everyTask(): string {
    return this.task('*', '*');
  }

  tasksOf(queue: string): string {
    return this.task(queue, '*');
  }

  idOfTask(subject: string): string {
    return subject.slice(subject.lastIndexOf('.') + 1);
  }

  consumer(queue: string): string {
    return `work-${queue}`;
  }

  bucket(store: string): string {
    return `${this.plain}_${store}`;
  }
}
