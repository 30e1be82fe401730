import type { Observable } from 'rxjs';
import { Subject } from 'rxjs';
import { NotConnectedError } from '../errors/index.js';
import { processEvents } from '../platform/process-events.js';
import { seal, fromPrimary, type FromPrimary, type FromWorker } from '../protocol/messages.js';
import { rebuildReport } from '../protocol/error-report.js';

/** A worker's line to its primary: the cluster IPC channel. Foreign messages pass by untouched. */
export class ControlChannel {
  private readonly incoming = new Subject<FromPrimary>();
  private readonly pending = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  private requests = 0;

  constructor() {
    processEvents.onMessage((raw) => {
      const message = fromPrimary(raw);
      if (message?.type === 'answer') this.settle(message);
      else if (message) this.incoming.next(message);
    });
    processEvents.onDisconnect(() => this.fail());
  }

  /** Control messages of the primary, answers to requests left out. */
  get messages(): Observable<FromPrimary> {
    return this.incoming;
  }

  /** Sends; false where the channel is closed. */
  send(message: FromWorker): boolean {
    if (!process.connected || !process.send) return false;
    // A failed write surfaces as 'disconnect'; nothing is to be done about it here.
    process.send(seal(message), undefined, {}, () => {});
    return true;
  }

  /** Asks the primary and resolves to its answer. */
  request(type: 'reload'): Promise<unknown>;
  request(type: 'scale', workers: number): Promise<unknown>;
  request(type: 'reload' | 'scale', workers = 0): Promise<unknown> {
    const request = (this.requests += 1);
    return new Promise((resolve, reject) => {
      this.pending.set(request, { resolve, reject });
      if (!this.send(type === 'reload' ? { type, request } : { type, request, workers })) this.fail();
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
