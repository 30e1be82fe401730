import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { NatsNames } from '../../lib/engines/nats/names.js';
import { NATS } from '../support/index.js';
import { hostileBroker, PLACE } from './hostile.js';

hostileBroker(NATS, async ({ url }) => {
  const connection = await connect({ servers: url });
  const names = new NatsNames(PLACE);
  return {
    say: async (subject, message) => connection.publish(names.subject(subject), message),
    put: async (queue, id, message) => connection.publish(names.task(queue, id), message),
    write: async (store, key, value) => connection.publish(`$KV.${names.bucket(store)}.${key}`, value),
    queues: async () => {
      const { streams } = await jetstreamManager(connection);
      return (await streams.info(names.stream)).state.consumer_count;
    },
    close: () => connection.close(),
  };
});
