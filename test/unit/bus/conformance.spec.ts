import { describe } from '@jest/globals';
import { type Peer, quiet, TestCluster } from './cluster.js';
import { type Bench, busConformance } from './conformance.js';
import { DistributedCluster } from '../distributed-bus/distributed-cluster.js';

/** The embedded engine: no lease, and no time. */
class LocalBench extends TestCluster implements Bench {
  async die(peer: Peer): Promise<void> {
    peer.die();
    await quiet();
  }
  settle(): Promise<void> {
    return quiet();
  }
  outlast(): Promise<void> {
    return quiet();
  }
}

describe('the embedded bus', () => {
  busConformance(() => new LocalBench());
});

describe('the bus over an engine', () => {
  busConformance(() => new DistributedCluster());
});
