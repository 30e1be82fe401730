import { Inject, Injectable } from '@nestjs/common';
import { decode } from '../codec/codec.js';
import { type DeadLetterRecord, type DeadLetters, UNREADABLE } from '../distributed-bus/tasks/dead-letters.js';
import { RUNTIME } from '../runtime/tokens.js';
import { ClusterRequestError } from '../errors/errors.js';
import type { ProcessRuntime } from '../runtime/process-runtime.interface.js';

/** A task that was given up: every worker that ran it died or fell silent, once more than its redeliveries. @publicApi */
export interface DeadLetter {
  readonly id: string;
  readonly event: string;
  /** What the task was given. */
  readonly data: unknown;
  /** How many workers died or fell silent while they ran it. */
  readonly died: number;
  readonly at: Date;
  /**
   * Why it cannot be read, where it cannot: `data` is undefined then, and maybe nothing but `id` is known. It can be
   * discarded.
   */
  readonly unreadable?: string;
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
    return letters.map(asDeadLetter);
  }

  /**
   * Puts the task into its queue again, as a new one without a deadline, and takes the letter away. Nobody waits for
   * its result.
   *
   * @throws ClusterRequestError where there is no such letter, or it cannot be read
   */
  async retry(id: string): Promise<void> {
    await this.about(id, async (letters) => {
      const isRetried = await letters.retry(id);
      if (isRetried !== UNREADABLE) return isRetried;
      throw new ClusterRequestError(
        `The dead letter '${id}' cannot be read, so there is no task to put into a queue. discard() takes it away.`,
      );
    });
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

function asDeadLetter({ id, event, payload, died, at, unreadable }: DeadLetterRecord): DeadLetter {
  const letter = { id, event, died, at: new Date(at) };
  if (unreadable !== undefined) return { ...letter, data: undefined, unreadable };
  try {
    return { ...letter, data: decode(payload) };
  } catch (error) {
    return { ...letter, data: undefined, unreadable: `its data cannot be decoded: ${(error as Error).message}` };
  }
}
