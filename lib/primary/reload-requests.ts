import { Subject, type Observable } from 'rxjs';
import { ReloadError } from '../errors/errors.js';
import { quotedLines } from '../errors/printable.js';
import { type Clock, until } from '../platform/clock.js';
import type { ReloadProgress, ReloadReport } from '../runtime/reload.interface.js';
import type { SupervisorAction } from './supervisor/supervisor.types.js';

/**
 * How long the report of a reload waits for the last old worker to stop listening, in ms: a blocked worker cannot stop.
 */
const CLOSE_TIMEOUT = 1_000;

/** The functions that answer a request. */
export interface Answer<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

/** A request for a reload that has no answer yet. */
interface Request extends Answer<ReloadReport> {
  /** The worker that sent the request; undefined if the primary itself did. */
  readonly requester: number | undefined;
}

/** The data that a report is made of. */
export interface ReloadSources {
  /** The pid of a worker that is running or has ended recently. */
  pidOf(worker: number): number | undefined;
  releaseOf(generation: number): string;
  /** The last lines of a worker's stderr. */
  stderrTailOf(worker: number): Promise<string> | undefined;
  /** Whether every worker that was told to leave has stopped listening. */
  isListeningOver(): boolean;
}

/** Knows which requests wait for a reload, and decides when and with what each of them is answered. */
export class ReloadRequests {
  private readonly subject = new Subject<ReloadProgress>();
  private requests: Request[] = [];
  /** Workers to which a report is on its way: they are told to leave only afterwards. */
  private readonly answering = new Set<number>();
  private reported: Promise<void> | undefined;

  constructor(
    private readonly sources: ReloadSources,
    private readonly clock: Clock,
    private readonly logger: Record<'log' | 'warn' | 'error', (message: string) => void>,
  ) {}

  get progress(): Observable<ReloadProgress> {
    return this.subject;
  }

  add(requester: number | undefined, { resolve, reject }: Answer<ReloadReport>): void {
    this.requests.push({ requester, resolve, reject });
  }

  progressed(progress: ReloadProgress): void {
    this.subject.next(progress);
  }

  /** Resolves when the report that is on its way to the worker has been sent; undefined if there is none. */
  reportTo(worker: number): Promise<void> | undefined {
    return this.answering.has(worker) ? this.reported : undefined;
  }

  done(done: SupervisorAction & { readonly type: 'reload-done' }): void {
    this.reported = this.report(done);
  }

  async failed(reason: string, worker: number | undefined): Promise<void> {
    const requests = this.requests.splice(0);
    const tail = worker === undefined ? '' : await this.sources.stderrTailOf(worker);
    const lastLines = tail ? ` Its last words:\n${quotedLines(tail)}` : '';
    const error = new ReloadError(`Reload failed: ${reason}. The workers that serve go on serving.${lastLines}`);
    this.logger.error(error.message);
    for (const request of requests) request.reject(error);
  }

  /** Rejects the requests. The reason is logged, too, because a signal that requested the reload gets no answer. */
  refused(reason: string): void {
    const error = new ReloadError(`Reload refused: ${reason}.`);
    this.logger.warn(error.message);
    this.rejectAll(error);
  }

  rejectAll(error: Error): void {
    for (const request of this.requests.splice(0)) request.reject(error);
  }

  private async report(done: SupervisorAction & { readonly type: 'reload-done' }): Promise<void> {
    const { sources } = this;
    const requests = this.requests.splice(0);
    const report: ReloadReport = {
      generation: done.generation,
      duration: Math.round(done.duration),
      replaced: done.replaced.map(({ slot, oldId, newId }) => ({
        slot,
        oldPid: oldId === undefined ? undefined : sources.pidOf(oldId),
        newPid: sources.pidOf(newId) ?? 0,
      })),
      release: sources.releaseOf(done.generation),
    };
    for (const { requester } of requests) if (requester !== undefined) this.answering.add(requester);
    // After this tick every old worker has been told to leave, so a request made now is answered by the new build.
    await Promise.resolve();
    await until(() => sources.isListeningOver(), this.clock, CLOSE_TIMEOUT);
    const { generation, duration, release } = report;
    this.logger.log(`reload to generation ${generation} done in ${duration} ms; it runs ${release}`);
    this.answering.clear();
    for (const request of requests) request.resolve(report);
  }
}
