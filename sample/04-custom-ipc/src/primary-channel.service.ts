import { Socket } from 'node:net';
import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { ClusterService } from 'nestjs-cluster';
import { is, type Question, type Reply, type Visitor } from './messages.js';

/** The worker's end of the raw channel. */
@Injectable()
export class PrimaryChannel implements OnModuleInit, OnModuleDestroy {
  private readonly waiting = new Map<number, (reply: Reply) => void>();
  private asked = 0;

  constructor(private readonly cluster: ClusterService) {}

  onModuleInit(): void {
    process.on('message', this.onMessage);
  }

  onModuleDestroy(): void {
    process.off('message', this.onMessage);
  }

  ask(): Promise<Reply> {
    const question: Question = { cmd: 'who-am-i', question: ++this.asked };
    return new Promise((resolve, reject) => {
      this.waiting.set(question.question, resolve);
      process.send!(question, (error: Error | null) => error && reject(error));
    });
  }

  private readonly onMessage = (message: unknown, handle: unknown): void => {
    if (is<Reply>(message, 'you-are')) {
      this.waiting.get(message.question)?.(message);
      this.waiting.delete(message.question);
    } else if (is<Visitor>(message, 'visitor') && handle instanceof Socket) {
      // The socket was accepted in the primary; from here on it is this worker's alone.
      handle.end(`slot ${this.cluster.slot}, pid ${process.pid}\n`);
    }
  };
}
