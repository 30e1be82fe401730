import { Inject, Injectable } from '@nestjs/common';
import { decode } from '../bus/codec.js';
import type { DeadLetters } from '../bus/distributed/dead-letters.js';
import { RUNTIME } from '../cluster.constants.js';
import { ClusterRequestError } from '../errors/index.js';
import type { ProcessRuntime } from '../gate/process-runtime.interface.js';

/** A task that was given up: every worker that ran it died or fell silent, once more than its redeliveries. @publicApi */
export interface DeadLetter {
  readonly id: string;
  readonly event: string;
  /** What the task was given. */
  readonly data: unknown;
  /** How many workers died or fell silent while they ran it. */
  readonly died: number;
  readonly at: Date;
}

/**
 * Tasks that were given up. An engine such as NATS keeps them for seven days; the embedded one tells the caller only,
 * and keeps none.
 *
 * @publicApi
 */
@Injectable()
export class DeadLetterService {
  constructor(@Inject(RUNTIME) private readonly runtime: ProcessRuntime) {}

  /** All of them, the oldest first. */
  async list(): Promise<DeadLetter[]> {
    const letters = (await this.runtime.deadLetters?.list()) ?? [];
    return letters.map(({ id, event, payload, died, at }) => ({
      id,
      event,
      data: decode(payload),
      died,
      at: new Date(at),
    }));
  }

  /**
   * Puts the task into its queue again, as a new one without a deadline, and takes the letter away. Nobody waits for
   * its result.
   *
   * @throws ClusterRequestError where there is no such letter
   */
  async retry(id: string): Promise<void> {
    await this.about(id, (letters) => letters.retry(id));
  }

  /** Takes the letter away for good. @throws ClusterRequestError where there is no such letter */
  async discard(id: string): Promise<void> {
    await this.about(id, (letters) => letters.discard(id));
  }

  private async about(id: string, act: (letters: DeadLetters) => Promise<boolean>): Promise<void> {
    const { deadLetters } = this.runtime;
    if (deadLetters !== undefined && (await act(deadLetters))) return;
    throw new ClusterRequestError(
      `There is no dead letter '${id}'. list() tells which there are; one is kept for 7 days.`,
    );
  }
}
