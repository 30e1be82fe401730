import { BrokerServer } from './broker-server.js';
import { freePort } from './free-port.js';

/** A NATS server, with JetStream. */
export class NatsServer extends BrokerServer {
  protected readonly greeting = '';

  /** @param args what the server is told beside where to listen and where to keep things */
  static async start(args: readonly string[] = ['-js']): Promise<NatsServer> {
    const server = new NatsServer(await freePort(), 'nats-server', args);
    await server.restart();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  protected place(): readonly string[] {
    return ['-sd', this.folder, '-a', '127.0.0.1', '-p', String(this.port)];
  }

  protected isReady(): boolean {
    return true;
  }
}
