import { Inject, Injectable } from '@nestjs/common';
import { decode } from '../codec/codec.js';
import { type DeadLetterRecord, type DeadLetters, UNREADABLE } from '../distributed-bus/tasks/dead-letters.js';
import { RUNTIME } from '../runtime/tokens.js';
import { ClusterRequestError } from '../errors/errors.js';
import type { ProcessRuntime } from '../runtime/process-runtime.interface.js';

/**
 * A task that was given up: all its redeliveries are used up, and every worker that ran it died or stopped responding.
 * @publicApi
 */
export interface DeadLetter {
  readonly id: string;
  readonly event: string;
  /** The data that the task was sent with. */
  readonly data: unknown;
  /** How many workers died or stopped responding while they ran it. */
  readonly died: number;
  readonly at: Date;
  /**
   * Why the dead letter cannot be read; absent if it can. Then `data` is undefined, and maybe only `id` is known. It
   * can still be discarded.
   */
  readonly unreadable?: string;
}

/**
 * Lists the tasks that were given up, and retries or discards them. An engine such as NATS keeps them for seven days.
 * The embedded engine keeps none: it only reports the failure to the caller.
 *
 * @publicApi
 */
@Injectable()
export class DeadLetterService {
  constructor(@Inject(RUNTIME) private readonly runtime: ProcessRuntime) {}

  /** All dead letters, oldest first. */
  async list(): Promise<DeadLetter[]> {
    const letters = (await this.runtime.deadLetters?.list()) ?? [];
    return letters.map(asDeadLetter);
  }

  /**
   * Puts the task back into its queue as a new task without a deadline, and deletes the dead letter. Nobody waits for
   * the result.
   *
   * @throws ClusterRequestError if there is no dead letter with this id, or it cannot be read
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

  /** Deletes the dead letter. @throws ClusterRequestError if there is no dead letter with this id */
  async discard(id: string): Promise<void> {
    await this.about(id, (letters) => letters.discard(id));
  }

  private async about(id: string, act: (letters: DeadLetters) => Promise<boolean>): Promise<void> {
    const { deadLetters } = this.runtime;
    if (deadLetters !== undefined && (await act(deadLetters))) return;
    throw new ClusterRequestError(
      `There is no dead letter '${id}'. list() shows the dead letters that exist; each is kept for 7 days.`,
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
