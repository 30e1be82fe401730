/**
 * The members that are used of the clients of Nest's microservice servers (Nest 11 and 12). Each of them may be
 * missing: a server that has none takes messages until it is closed.
 */
export interface SubscribingServer {
  /** NATS. */
  subscriptions?: { drain?(): Promise<void>; unsubscribe(): void }[];
  natsClient?: { flush(): Promise<void> } | null;
  waitForGracePeriod?(): Promise<void>;
  /** Redis. */
  subClient?: { unsubscribe(): Promise<unknown>; punsubscribe(): Promise<unknown>; ping(): Promise<unknown> };
  /** MQTT. */
  mqttClient?: { unsubscribe(topics: string[], done: (error?: Error) => void): unknown };
  /** RabbitMQ: amqp-connection-manager's wrapper and the channel of amqplib in it. */
  channel?: {
    _channel?: { consumers?: Map<string, unknown>; cancel(tag: string): Promise<unknown> };
    waitForConfirms?(): Promise<void>;
  } | null;
  /** Kafka. */
  consumer?: { stop(): Promise<void> } | null;
  messageHandlers?: Map<unknown, unknown>;
}

interface Subscriptions {
  /**
   * Takes no more messages. Resolves when the broker knows that, and everything that it had sent before has arrived.
   */
  cancel(): Promise<unknown>;
  /** Resolves when the broker has the replies. */
  flush?(): Promise<unknown>;
  /** Resolves when the broker knows the subscriptions that were made so far. */
  confirm?(): Promise<unknown>;
}

/** How `server` takes messages from a broker; undefined if it does so in no way that is known here. */
export function subscriptionsOf(server: SubscribingServer): Subscriptions | undefined {
  const { natsClient, subClient, mqttClient, channel, consumer } = server;
  if (natsClient) return overNats(server, natsClient);
  if (subClient) {
    return {
      cancel: () => Promise.all([subClient.unsubscribe(), subClient.punsubscribe()]),
      // There is no `flush`, because its close() waits for what was published.
      confirm: () => subClient.ping(),
    };
  }
  if (mqttClient) {
    const topics = [...(server.messageHandlers?.keys() ?? [])].map(String);
    const unsubscribe = (): Promise<void> =>
      new Promise((resolve, reject) => {
        if (topics.length === 0) return resolve();
        mqttClient.unsubscribe(topics, (error) => (error ? reject(error) : resolve()));
      });
    // The broker answers in order, so the answer to a second call means that it has the replies. Nest's close() does
    // not wait for them.
    return { cancel: unsubscribe, flush: unsubscribe };
  }
  if (channel) {
    return {
      cancel: () => {
        const { _channel: raw } = channel;
        return Promise.all([...(raw?.consumers?.keys() ?? [])].map((tag) => raw!.cancel(tag)));
      },
      // Without this, its close() would reject the replies that are not sent yet.
      flush: async () => channel.waitForConfirms?.(),
    };
  }
  // stop() waits for the running handlers; the other messages that it has fetched go to another consumer.
  if (consumer) return { cancel: () => consumer.stop() };
  return undefined;
}

function overNats(server: SubscribingServer, client: { flush(): Promise<void> }): Subscriptions {
  return {
    // unsubscribe() would drop the messages that the broker has already sent.
    cancel: async () => {
      await Promise.all(
        (server.subscriptions ?? []).map(async (each) => (each.drain ? each.drain() : each.unsubscribe())),
      );
    },
    flush: async () => {
      // `gracefulShutdown` waits for handlers for a fixed time, but none is running any more.
      if (typeof server.waitForGracePeriod === 'function') server.waitForGracePeriod = () => Promise.resolve();
      await client.flush();
    },
    confirm: () => client.flush(),
  };
}
