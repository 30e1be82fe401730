import type { Worker } from 'node:cluster';
import { createServer, type Server, type Socket } from 'node:net';
import { Injectable, Logger, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { OnWorkerEvent } from 'nestjs-cluster';
import { is, type Question, type Reply, type Visitor } from './messages.js';

/** The primary's end of the raw channel. */
@Injectable()
class WorkerChannels implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(WorkerChannels.name);
  /** Workers in the order they came up; the first gets the next visitor and goes to the end. */
  private readonly workers: Worker[] = [];
  private door?: Server;

  @OnWorkerEvent('message')
  answer(worker: Worker, message: unknown): void {
    if (!is<Question>(message, 'who-am-i')) return;
    const { question } = message;
    worker.send({ cmd: 'you-are', question, workerId: worker.id, primaryPid: process.pid } satisfies Reply);
  }

  @OnWorkerEvent('listening')
  add(worker: Worker): void {
    this.workers.push(worker);
  }

  @OnWorkerEvent('disconnect')
  remove(worker: Worker): void {
    const index = this.workers.indexOf(worker);
    if (index >= 0) this.workers.splice(index, 1);
  }

  /** Accepts visitors in the primary and hands each to a worker, the socket itself included. */
  onApplicationBootstrap(): void {
    const port = Number(process.env.VISITOR_PORT ?? 3001);
    // Nothing may be read here: the bytes are the worker's.
    this.door = createServer({ pauseOnConnect: true }, (socket) => this.hand(socket));
    this.door.listen(port, () => this.logger.log(`visitors are welcome at port ${port}`));
  }

  onApplicationShutdown(): void {
    this.door?.close();
  }

  private hand(socket: Socket): void {
    const worker = this.workers.shift();
    if (!worker) {
      socket.end('no worker is ready\n');
      return;
    }
    this.workers.push(worker);
    worker.send({ cmd: 'visitor' } satisfies Visitor, socket);
  }
}

@Module({ providers: [WorkerChannels] })
export class PrimaryModule {}
