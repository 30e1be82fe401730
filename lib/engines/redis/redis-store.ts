import type { Store, StoredRecord } from '../../bus/engine.interface.js';
import type { RedisNames } from './names.js';
import type { ScriptedRedis } from './scripts.js';

/** Records, stored as hashes that expire. Each change is one script. */
export class RedisStore implements Store {
  constructor(
    /** @throws NotConnectedError */
    private readonly client: () => ScriptedRedis,
    private readonly names: RedisNames,
    private readonly name: string,
    /** In ms. */
    private readonly ttl: number,
  ) {}

  async get(key: string): Promise<StoredRecord | undefined> {
    const [version, value] = await this.client().hmgetBuffer(this.record(key), 'version', 'value');
    if (!version || !value) return undefined;
    return { value, version: Number(version.toString()) };
  }

  async put(key: string, value: Uint8Array, expected: number | undefined): Promise<number | undefined> {
    const last = this.names.version(this.name);
    const index = this.names.index(this.name);
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    const before = expected === undefined ? '' : String(expected);
    const version = await this.client().clusterPut(this.record(key), last, index, before, bytes, this.ttl, key);
    return version === null ? undefined : Number(version);
  }

  async remove(key: string, expected: number): Promise<void> {
    await this.client().clusterRemove(this.record(key), this.names.index(this.name), String(expected), key);
  }

  async keys(): Promise<string[]> {
    return this.client().clusterKeys(this.names.index(this.name));
  }

  private record(key: string): string {
    return this.names.record(this.name, key);
  }
}
