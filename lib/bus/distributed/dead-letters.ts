import type { Engine, Store } from '../engine.interface.js';
import { queueOf, type TaskHeader } from './task-message.js';
import { pack, unpack } from './wire.js';

/** A task that was given up: every worker that ran it died or fell silent. */
export interface BuriedTask {
  readonly id: string;
  readonly event: string;
  /** What the task was given, encoded. */
  readonly payload: Uint8Array;
  /** How many workers died or fell silent while they ran it. */
  readonly died: number;
  /** Unix time in ms at which it was given up. */
  readonly at: number;
}

type LetterHeader = TaskHeader & { readonly died: number; readonly at: number };

/** Tasks that were given up, kept for a week so that somebody can look at them and try again. */
export class DeadLetters {
  constructor(
    private readonly engine: Engine,
    private readonly store: Store,
  ) {}

  /** The oldest first. */
  async list(): Promise<BuriedTask[]> {
    const records = await Promise.all((await this.store.keys()).map((key) => this.store.get(key)));
    return records
      .filter((record) => record !== undefined)
      .map(({ value }) => unpack<LetterHeader>(value))
      .map(({ header: { id, event, died, at }, payload }) => ({ id, event, payload, died, at }))
      .sort((a, b) => a.at - b.at);
  }

  /** Puts it into its queue again, without a deadline. @returns false where there is no such letter */
  async retry(id: string): Promise<boolean> {
    const record = await this.store.get(id);
    if (record === undefined) return false;
    const { header, payload } = unpack<LetterHeader>(record.value);
    // Another id: the broker and the results still know the old one. The same for every try of this letter.
    const again: TaskHeader = { ...header, id: `${id}-again${record.version}`, deadline: null, key: null };
    await this.engine.enqueue(queueOf(header.event), again.id, pack(again, payload));
    await this.store.remove(id, record.version);
    return true;
  }

  /** @returns false where there is no such letter */
  async discard(id: string): Promise<boolean> {
    const record = await this.store.get(id);
    if (record === undefined) return false;
    await this.store.remove(id, record.version);
    return true;
  }
}
