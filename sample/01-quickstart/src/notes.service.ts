import { Injectable } from '@nestjs/common';
import { ClusterService, ConsumeOnce, OnClusterEvent } from 'nestjs-cluster';
import type { FibonacciResult, WorkerStats } from './cluster-events.js';

/** What every worker does when it is spoken to. */
@Injectable()
export class NotesService {
  /** Notes this worker has heard; a broadcast keeps the copies of all workers alike. */
  readonly notes: string[] = [];

  constructor(private readonly cluster: ClusterService) {}

  /** Runs in every worker, the sender too. */
  @OnClusterEvent('note.added')
  addNote(text: string): void {
    this.notes.push(text);
  }

  /** Runs in exactly one worker: the least busy. */
  @ConsumeOnce('fibonacci')
  fibonacci(n: number): FibonacciResult {
    let [value, next] = [0, 1];
    for (let i = 0; i < n; i++) [value, next] = [next, value + next];
    return { value, slot: this.cluster.slot };
  }

  /** Runs in every worker; the caller gets all the answers. */
  @OnClusterEvent('worker.stats')
  stats(): WorkerStats {
    return {
      slot: this.cluster.slot,
      pid: process.pid,
      rss: process.memoryUsage.rss(),
      uptime: Math.round(process.uptime() * 1000),
    };
  }
}
