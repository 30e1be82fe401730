import { hostname } from 'node:os';
import { Injectable } from '@nestjs/common';
import { ClusterService, ConsumeOnce, OnClusterEvent } from 'nestjs-cluster';

/** What every worker does when it is spoken to. */
@Injectable()
export class NotesService {
  /** Notes this worker has heard; a broadcast keeps the copies of all workers alike. */
  readonly notes: string[] = [];
  private computed = 0;

  constructor(private readonly cluster: ClusterService) {}

  /** Which worker this is: every host counts its slots from 0. */
  get place() {
    return { host: process.env.HOST_NAME ?? hostname(), slot: this.cluster.slot };
  }

  /** Runs in every worker of every host, the sender too. */
  @OnClusterEvent('note.added')
  addNote(text: string): void {
    this.notes.push(text);
  }

  /** Runs in exactly one worker, on whichever host. */
  @ConsumeOnce('fibonacci')
  fibonacci(n: number) {
    this.computed += 1;
    let [value, next] = [0, 1];
    for (let i = 0; i < n; i++) [value, next] = [next, value + next];
    return { value, ...this.place };
  }

  /** Runs in every worker of every host; the caller gets all the answers. */
  @OnClusterEvent('worker.stats')
  stats() {
    return {
      ...this.place,
      pid: process.pid,
      rss: process.memoryUsage.rss(),
      uptime: Math.round(process.uptime() * 1000),
      leader: this.cluster.isLeader,
      computed: this.computed,
    };
  }

  /** Called through `runOnce`, so by one worker of all: a migration, say. */
  migrate(name: string) {
    const { host, slot } = this.place;
    console.log(`host ${host}, slot ${slot} runs ${name}`);
    return { host, slot };
  }
}
