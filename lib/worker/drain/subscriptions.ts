/**
 * What is used of the clients that Nest's microservice servers keep (Nest 11 and 12). Each is looked for, never taken for
 * granted: a server that has none of them keeps its messages coming until it is closed.
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
  /** Takes no message from then on; resolves when the broker knows, and all that it had sent was heard. */
  cancel(): Promise<unknown>;
  /** Resolves when the replies are with the broker. */
  flush?(): Promise<unknown>;
  /** Resolves when the broker has heard of the subscriptions made so far. */
  confirm?(): Promise<unknown>;
}

/** How `server` takes messages from a broker; undefined where it does so in no way that is known here. */
export function subscriptionsOf(server: SubscribingServer): Subscriptions | undefined {
  const { natsClient, subClient, mqttClient, channel, consumer } = server;
  if (natsClient) return overNats(server, natsClient);
  if (subClient) {
    return {
      cancel: () => Promise.all([subClient.unsubscribe(), subClient.punsubscribe()]),
      // Its close() waits for what was published.
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
    // The broker answers in order, so the answer to a second one means that it has the replies: Nest's close() does
    // not wait for them.
    return { cancel: unsubscribe, flush: unsubscribe };
  }
  if (channel) {
    return {
      cancel: () => {
        const { _channel: raw } = channel;
        return Promise.all([...(raw?.consumers?.keys() ?? [])].map((tag) => raw!.cancel(tag)));
      },
      // Its close() would refuse what it has not sent yet.
      flush: async () => channel.waitForConfirms?.(),
    };
  }
  // Waits for the handlers that run; the rest of what it has fetched goes to another consumer.
  if (consumer) return { cancel: () => consumer.stop() };
  return undefined;
}

function overNats(server: SubscribingServer, client: { flush(): Promise<void> }): Subscriptions {
  return {
    // unsubscribe() would drop what the broker had sent by then.
    cancel: async () => {
      await Promise.all(
        (server.subscriptions ?? []).map(async (each) => (each.drain ? each.drain() : each.unsubscribe())),
      );
    },
    flush: async () => {
      // `gracefulShutdown` waits for handlers by a fixed time; none is left.
      if (typeof server.waitForGracePeriod === 'function') server.waitForGracePeriod = () => Promise.resolve();
      await client.flush();
    },
    confirm: () => client.flush(),
  };
}
