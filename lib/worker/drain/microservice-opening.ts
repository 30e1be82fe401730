import type { Clock } from '../../platform/clock.js';

/** How long a custom strategy may take to report that it listens, in ms; some never do. */
const CUSTOM_LISTEN_TIMEOUT = 5_000;

/** The members that Nest uses of a microservice server to make it listen; custom strategies have them, too. */
export interface OpeningServer {
  /** A number, if the transport is one of Nest's own. */
  transportId?: unknown;
  listen(callback: (...args: unknown[]) => void): unknown;
  close(): unknown;
}

/** Follows one microservice server from the call that opens it until it is closed. */
export class MicroserviceOpening {
  /** 'awaited' after the call of `listen`; 'refused' if that has failed, until the server opens after all. */
  state: 'idle' | 'awaited' | 'open' | 'refused' | 'closed' = 'idle';

  /**
   * @param confirm resolves when the broker, if there is one, knows the subscriptions
   * @param changed called after each change of the state
   */
  constructor(
    private readonly server: OpeningServer,
    private readonly clock: Clock,
    private readonly confirm: () => Promise<void>,
    private readonly changed: () => void,
  ) {
    const { listen, close } = server;
    server.listen = (callback) => this.opens((answer) => listen.call(server, answer), callback);
    server.close = () => {
      this.become('closed');
      return close.call(server);
    };
  }

  /** Whether it takes messages, or may soon. */
  get isTaking(): boolean {
    return this.state === 'awaited' || this.state === 'open';
  }

  private opens(listen: OpeningServer['listen'], callback: (...args: unknown[]) => void): unknown {
    this.become('awaited');
    const isOfNest = typeof this.server.transportId === 'number';
    if (!isOfNest)
      this.clock.after(CUSTOM_LISTEN_TIMEOUT, () => this.state === 'awaited' && this.become('open'), false);
    const refuse = (error: unknown): never => {
      this.refused();
      throw error;
    };
    try {
      const listening = listen((...args: unknown[]) => {
        callback(...args);
        // Nest, too, treats the first argument as an error.
        if (args[0]) this.refused();
        else void this.confirm().then(() => this.state !== 'closed' && this.become('open'));
      });
      return listening instanceof Promise ? listening.catch(refuse) : listening;
    } catch (error) {
      return refuse(error);
    }
  }

  /** The server failed to open. If it is already open, its connection was lost, and may come back. */
  private refused(): void {
    if (this.state === 'awaited') this.become('refused');
  }

  private become(state: MicroserviceOpening['state']): void {
    this.state = state;
    this.changed();
  }
}
