import type { Store, StoredRecord } from '../../bus/engine.interface.js';
import type { Bucket } from './nats-assets.js';

/** JetStream's error codes for a compare-and-set whose record has changed. */
const WRONG_LAST_SEQUENCE: ReadonlySet<unknown> = new Set([10071, 10164]);

/**
 * Records in a key-value bucket. The bucket deletes each record after its own time to live.
 *
 * A version is the record's revision plus the time at which the bucket was created, in µs. So versions also grow if a
 * server has lost its data and counts from 1 again, because it never writes a million times a second.
 */
export class NatsStore implements Store {
  constructor(
    private readonly ask: <T>(work: (bucket: Bucket) => Promise<T>) => Promise<T>,
    readonly uphold: () => Promise<void>,
  ) {}

  get(key: string): Promise<StoredRecord | undefined> {
    return this.ask(async ({ records, madeAt }) => {
      const entry = await records.get(key);
      if (entry === null || entry.operation !== 'PUT') return undefined;
      return { value: entry.value, version: madeAt + entry.revision };
    });
  }

  put(key: string, value: Uint8Array, expected: number | undefined): Promise<number | undefined> {
    return this.ask(async ({ records, madeAt }) => {
      if (expected !== undefined && expected <= madeAt) return undefined; // a version of a bucket that was lost
      try {
        const revision = await (expected === undefined
          ? records.create(key, value)
          : records.update(key, value, expected - madeAt));
        return madeAt + revision;
      } catch (error) {
        if (WRONG_LAST_SEQUENCE.has((error as { code?: unknown }).code)) return undefined;
        throw error;
      }
    });
  }

  remove(key: string, expected: number): Promise<void> {
    return this.ask(async ({ records, madeAt }) => {
      if (expected <= madeAt) return;
      try {
        await records.delete(key, { previousSeq: expected - madeAt });
      } catch (error) {
        if (!WRONG_LAST_SEQUENCE.has((error as { code?: unknown }).code)) throw error;
      }
    });
  }

  keys(): Promise<string[]> {
    return this.ask(async ({ records }) => {
      const keys: string[] = [];
      for await (const key of await records.keys()) keys.push(key);
      return keys;
    });
  }
}
