import { once } from 'node:events';
import http, { type ServerResponse } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Http1Requests } from '../../../../lib/worker/drain/http1-requests.js';

const PIPELINED = 50;

describe('requests that are not answered', () => {
  const responses: ServerResponse[] = [];
  const server = http.createServer((_, response) => void responses.push(response));
  let uninstall = (): void => {};
  afterEach(() => {
    uninstall();
    server.closeAllConnections();
    server.close();
  });

  it('are forgotten with their connection, those that were pipelined behind another one too', async () => {
    let begun = 0;
    const requests = new Http1Requests(() => (begun += 1));
    uninstall = requests.install();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const accepted = once(server, 'connection');
    const client = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.on('error', () => {});
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(PIPELINED));
    const [socket] = (await accepted) as [net.Socket];
    while (begun < PIPELINED) await once(server, 'request');
    expect(requests.size).toBe(PIPELINED);
    // Not by once() of node:events, which rejects where the client's end arrives as a reset.
    const gone = new Promise((resolve) => socket.on('error', () => {}).once('close', resolve));
    responses[0]!.end();
    await once(responses[0]!, 'close');
    expect(requests.size).toBe(PIPELINED - 1);
    client.destroy();
    await gone;
    expect(requests.size).toBe(0);
  });
});
