import type { KV } from '@nats-io/kv';
import type { Store, StoredRecord } from '../bus/engine.interface.js';

/** JetStream's word for a compare-and-set that another one was faster than. */
const WRONG_LAST_SEQUENCE: ReadonlySet<unknown> = new Set([10071, 10164]);

/** Records in a key-value bucket, which forgets each after the bucket's own time to live. */
export class NatsStore implements Store {
  constructor(
    private readonly bucket: () => Promise<KV>,
    readonly uphold: () => Promise<void>,
  ) {}

  async get(key: string): Promise<StoredRecord | undefined> {
    const entry = await (await this.bucket()).get(key);
    if (entry === null || entry.operation !== 'PUT') return undefined;
    return { value: entry.value, version: entry.revision };
  }

  async put(key: string, value: Uint8Array, expected: number | undefined): Promise<number | undefined> {
    const bucket = await this.bucket();
    try {
      return await (expected === undefined ? bucket.create(key, value) : bucket.update(key, value, expected));
    } catch (error) {
      if (WRONG_LAST_SEQUENCE.has((error as { code?: unknown }).code)) return undefined;
      throw error;
    }
  }

  async remove(key: string, expected: number): Promise<void> {
    try {
      await (await this.bucket()).delete(key, { previousSeq: expected });
    } catch (error) {
      if (!WRONG_LAST_SEQUENCE.has((error as { code?: unknown }).code)) throw error;
    }
  }

  async keys(): Promise<string[]> {
    const keys: string[] = [];
    for await (const key of await (await this.bucket()).keys()) keys.push(key);
    return keys;
  }
}
