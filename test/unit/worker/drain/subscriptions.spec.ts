import { describe, expect, it, jest } from '@jest/globals';
import { type SubscribingServer, subscriptionsOf } from '../../../../lib/worker/drain/subscriptions.js';

describe('subscriptionsOf', () => {
  it('drains the subscriptions of NATS, and flushes before the connection is closed, without a grace period', async () => {
    const drain = jest.fn(() => Promise.resolve());
    const unsubscribe = jest.fn();
    const flush = jest.fn(() => Promise.resolve());
    const waitForGracePeriod = jest.fn(() => Promise.resolve());
    const server: SubscribingServer = {
      natsClient: { flush },
      subscriptions: [{ drain, unsubscribe }, { unsubscribe }],
      waitForGracePeriod,
    };
    const subscriptions = subscriptionsOf(server)!;
    await subscriptions.cancel();
    expect(drain).toHaveBeenCalledTimes(1);
    expect(unsubscribe).toHaveBeenCalledTimes(1);
    await subscriptions.flush!();
    await server.waitForGracePeriod!();
    expect(flush).toHaveBeenCalledTimes(1);
    expect(waitForGracePeriod).not.toHaveBeenCalled();
  });

  it('cancels every consumer of RabbitMQ, and waits until the replies are confirmed', async () => {
    const cancel = jest.fn(() => Promise.resolve());
    const waitForConfirms = jest.fn(() => Promise.resolve());
    const consumers = new Map([
      ['tag-1', {}],
      ['tag-2', {}],
    ]);
    const subscriptions = subscriptionsOf({ channel: { _channel: { consumers, cancel }, waitForConfirms } })!;
    await subscriptions.cancel();
    expect(cancel.mock.calls).toEqual([['tag-1'], ['tag-2']]);
    await subscriptions.flush!();
    expect(waitForConfirms).toHaveBeenCalledTimes(1);
  });

  it('takes nothing more over Redis, MQTT and Kafka', async () => {
    const [unsubscribe, punsubscribe] = [jest.fn(() => Promise.resolve()), jest.fn(() => Promise.resolve())];
    await subscriptionsOf({ subClient: { unsubscribe, punsubscribe, ping: () => Promise.resolve() } })!.cancel();
    expect(unsubscribe).toHaveBeenCalledTimes(1);
    expect(punsubscribe).toHaveBeenCalledTimes(1);

    const topics: string[][] = [];
    const mqttClient = { unsubscribe: (from: string[], done: () => void) => (topics.push(from), done()) };
    await subscriptionsOf({ mqttClient, messageHandlers: new Map([['a/+', {}]]) })!.cancel();
    expect(topics).toEqual([['a/+']]);

    const stop = jest.fn(() => Promise.resolve());
    await subscriptionsOf({ consumer: { stop } })!.cancel();
    expect(stop).toHaveBeenCalledTimes(1);
  });

  it('knows nothing of a strategy of its own kind', () => {
    expect(subscriptionsOf({ messageHandlers: new Map() })).toBeUndefined();
  });
});
