import { BrokerServer } from './broker-server.js';
import { freePort } from './free-port.js';

const DURABLE = ['--appendonly', 'yes', '--maxmemory-policy', 'noeviction'];

/** A Redis server, with an append-only file. */
export class RedisServer extends BrokerServer {
  protected readonly greeting = 'PING\r\n';

  /** @param args what the server is told beside where to listen and where to keep things */
  static async start(args: readonly string[] = DURABLE): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), 'redis-server', args);
    await server.restart();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  protected place(): readonly string[] {
    return ['--dir', this.folder, '--bind', '127.0.0.1', '--port', String(this.port)];
  }

  /** It answers, even if only to say that it wants a password. */
  protected isReady(said: string): boolean {
    return !said.startsWith('-LOADING');
  }
}
