import { NotConnectedError } from '../../errors/errors.js';
import type { Engine, Store } from '../../bus/engine.interface.js';
import { deadLetter } from '../shapes.js';
import { queueOf, recordedUntil, type TaskHeader } from './task-message.js';
import { pack, type Reader, unpack } from '../envelope.js';
import type { WireClock } from '../wire-time.js';

/** A task that was given up: every worker that ran it died or fell silent. */
export interface DeadLetterRecord {
  readonly id: string;
  readonly event: string;
  /** The data that the task was given, encoded. */
  readonly payload: Uint8Array;
  /** How many workers died or fell silent while they ran it. */
  readonly died: number;
  /** Unix time in ms at which it was given up. */
  readonly at: number;
  /** Why it cannot be read; nothing but its id is known then. */
  readonly unreadable?: string;
}

/** Returned for a dead letter that exists but cannot be read. */
export const UNREADABLE = 'unreadable';

/** How many dead letters are fetched at a time. */
const AT_A_TIME = 100;

/** The end of a retried task's id: it has the id of its dead letter, and the version of that record. */
const AGAIN = /-again\d+$/;

const NOTHING = new Uint8Array(0);

/** Tasks that were given up, kept for a week so that somebody can look at them and try again. */
export class DeadLetters {
  constructor(
    private readonly engine: Engine,
    private readonly store: Store,
    private readonly reader: Reader,
    private readonly times: WireClock,
    /** Tells members that a task of the event waits. */
    private readonly remind: (event: string) => void,
  ) {}

  /** The dead letters, oldest first. One that cannot be read is listed with its id, so that it can be discarded. */
  async list(): Promise<DeadLetterRecord[]> {
    const keys = await this.store.keys();
    const letters: DeadLetterRecord[] = [];
    for (let from = 0; from < keys.length; from += AT_A_TIME) {
      const some = await Promise.all(keys.slice(from, from + AT_A_TIME).map((key) => this.find(key)));
      letters.push(...some.filter((letter) => letter !== undefined));
    }
    return letters.sort((a, b) => a.at - b.at);
  }

  /** Puts the task back into its queue, without a deadline. @returns false if there is no such dead letter */
  async retry(id: string): Promise<boolean | typeof UNREADABLE> {
    const record = await this.store.get(id);
    if (record === undefined) return false;
    const letter = this.reader.read(record.value, deadLetter);
    if (letter === undefined) return UNREADABLE;
    const { died: _, at: __, ...header } = letter.header;
    // It gets another id, since the broker and the results still know the old one. Every retry of this letter uses the
    // same.
    const again: TaskHeader = {
      ...header,
      id: `${id.replace(AGAIN, '')}-again${record.version}`,
      deadline: null,
      key: null,
      recorded: recordedUntil(this.times),
    };
    await this.engine.enqueue(queueOf(header.event), again.id, pack(again, letter.payload));
    this.remind(header.event);
    await this.store.remove(id, record.version);
    return true;
  }

  /** Removes a dead letter. @returns false if there is no such one */
  async discard(id: string): Promise<boolean> {
    const record = await this.store.get(id);
    if (record === undefined) return false;
    await this.store.remove(id, record.version);
    return true;
  }

  private async find(id: string): Promise<DeadLetterRecord | undefined> {
    try {
      const record = await this.store.get(id);
      if (record === undefined) return undefined;
      const { header, payload } = unpack(record.value, deadLetter);
      const { event, died, at } = header;
      return { id, event, payload, died, at };
    } catch (error) {
      // If the broker is away, the whole call fails: that says nothing about this record.
      if (error instanceof NotConnectedError || !this.engine.isConnected) throw error;
      this.reader.drop(error);
      return { id, event: '', payload: NOTHING, died: 0, at: 0, unreadable: (error as Error).message };
    }
  }
}
