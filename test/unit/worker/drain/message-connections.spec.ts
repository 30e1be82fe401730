import { once } from 'node:events';
import net from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Flights } from '../../../../lib/worker/drain/flights.js';
import { type LeavingTerms, MessageConnections } from '../../../../lib/worker/drain/message-connections.js';
import { systemClock } from '../../../../lib/platform/clock.js';

/** A socket class as Nest's JsonSocket is looked into. */
class Frames {
  buffer = '';
  contentLength: number | null = null;
  constructor(socket: net.Socket) {
    socket.on('data', (data) => (this.buffer += String(data)));
  }
}

describe('MessageConnections', () => {
  let owner: {
    server: net.Server;
    getSocketInstance: (socket: net.Socket) => Frames;
    isManuallyTerminated: boolean;
  };
  let connections: MessageConnections;
  let frames: Frames[];
  let passed: string[];
  const sockets: net.Socket[] = [];
  const terms = (passOn: LeavingTerms['passOn']): LeavingTerms => ({
    clock: systemClock,
    deadline: new AbortController().signal,
    passOn,
  });
  const passOn: LeavingTerms['passOn'] = (server) => {
    passed.push(server);
    return Promise.resolve(true);
  };

  beforeEach(async () => {
    frames = [];
    passed = [];
    const server = net.createServer((socket) => frames.push(owner.getSocketInstance(socket)));
    owner = { server, getSocketInstance: (socket) => new Frames(socket), isManuallyTerminated: false };
    connections = new MessageConnections(owner, new Flights());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    owner.server.close();
  });

  async function client(): Promise<net.Socket> {
    const accepted = once(owner.server, 'connection');
    const socket = net.connect((owner.server.address() as net.AddressInfo).port, '127.0.0.1');
    sockets.push(socket);
    await accepted;
    return socket;
  }

  it('passes a connection on between two messages, when its replies are written', async () => {
    await client();
    const landed = connections.flightsOf(frames[0]).next().hold();
    const left = connections.leave(terms(passOn));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(passed).toEqual([]);
    landed();
    await left;
    const { address, port } = owner.server.address() as net.AddressInfo;
    expect(passed).toEqual([`${address}:${port}`]);
  });

  it('goes on reading where a message takes long, and passes the connection on after it', async () => {
    const socket = await client();
    const landed = connections.flightsOf(frames[0]).next().hold();
    const left = connections.leave(terms(passOn));
    socket.write('second');
    while (frames[0]!.buffer !== 'second') await new Promise((resolve) => setTimeout(resolve, 5));
    expect(passed).toEqual([]);
    frames[0]!.buffer = '';
    landed();
    await left;
    expect(passed).toHaveLength(1);
  });

  it('does not pass on half a message', async () => {
    await client();
    frames[0]!.contentLength = 100;
    const left = connections.leave(terms(passOn));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(passed).toEqual([]);
    frames[0]!.contentLength = null;
    await left;
    expect(passed).toHaveLength(1);
  });

  it('ends a connection after its last reply where nobody takes it', async () => {
    const socket = await client();
    const ended = once(socket, 'end');
    socket.resume();
    const landed = connections.flightsOf(frames[0]).next().hold();
    const left = connections.leave(terms(undefined));
    landed();
    await Promise.all([left, ended]);
    expect(passed).toEqual([]);
  });

  it('passes on the connection of a client that comes meanwhile', async () => {
    await connections.leave(terms(passOn));
    await client();
    while (passed.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(passed).toHaveLength(1);
  });

  it('keeps Nest from listening again when the last connection is gone', async () => {
    await connections.leave(terms(passOn));
    expect(owner.isManuallyTerminated).toBe(true);
  });
});
