import type { SendHandle } from 'node:child_process';
import { type Observable, Subject } from 'rxjs';
import { NotConnectedError } from '../errors/errors.js';
import { processEvents } from '../platform/process-events.js';
import { seal, fromPrimary, type FromPrimary, type FromWorker } from '../protocol/messages.js';
import { rebuildReport } from '../protocol/error-report.js';

/** A control message of the primary, and the socket that came with it. */
export interface Incoming {
  readonly message: FromPrimary;
  readonly socket: unknown;
}

type Unnumbered<M> = M extends { readonly request: number } ? Omit<M, 'request'> : never;

/** The requests that a worker may send to its primary. */
export type Question = Unnumbered<FromWorker>;

/** A worker's channel to its primary: the cluster IPC channel, which also carries messages of the app. */
export class ControlChannel {
  private readonly incoming = new Subject<Incoming>();
  private readonly pending = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  private requests = 0;

  /** @param key the key of this worker */
  constructor(private readonly key: string) {
    processEvents.onInternalMessage((raw, socket) => {
      const message = fromPrimary(raw, key);
      if (message?.type === 'answer') this.settle(message);
      else if (message) this.incoming.next({ message, socket });
    });
    processEvents.onDisconnect(() => this.fail());
  }

  /** Control messages of the primary, without the answers to requests. */
  get messages(): Observable<Incoming> {
    return this.incoming;
  }

  /** Whether a request waits for its answer. */
  get isWaiting(): boolean {
    return this.pending.size > 0;
  }

  /** Sends a message; returns false if the channel is closed. */
  send(message: FromWorker): boolean {
    if (!process.connected || !process.send) return false;
    // A failed write leads to 'disconnect'; there is nothing to do about it here.
    process.send(seal(message, this.key), undefined, {}, () => {});
    return true;
  }

  /** Sends a message with a handle. Resolves when the handle may be closed here: to true if it was sent. */
  give(message: FromWorker, handle: object): Promise<boolean> {
    if (!process.connected || !process.send) return Promise.resolve(false);
    return new Promise((resolve) => {
      process.send!(seal(message, this.key), handle as SendHandle, {}, (error) => resolve(error === null));
    });
  }

  /** Sends a request to the primary and resolves to its answer. */
  request(question: Question): Promise<unknown> {
    const request = (this.requests += 1);
    return new Promise((resolve, reject) => {
      this.pending.set(request, { resolve, reject });
      if (!this.send({ ...question, request })) this.fail();
    });
  }

  private settle(answer: FromPrimary & { type: 'answer' }): void {
    const call = this.pending.get(answer.request);
    this.pending.delete(answer.request);
    if (answer.ok) call?.resolve(answer.value);
    else call?.reject(rebuildReport(answer.error));
  }

  private fail(): void {
    for (const { reject } of this.pending.values()) {
      reject(new NotConnectedError('The primary is gone; its answer will not come.'));
    }
    this.pending.clear();
  }
}
