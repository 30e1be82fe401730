import { randomInt } from 'node:crypto';
import { lookup as systemLookup } from 'node:dns';
import { type Agent, type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { PATIENCE } from './patience.js';

export interface RequestOptions {
  readonly method?: 'GET' | 'POST';
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Without one, every request has a connection of its own, from an address of its own where that can be. */
  readonly agent?: Agent;
  /** Give up after this many ms with the code ETIMEDOUT. */
  readonly timeout?: number;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/**
 * On Linux all of 127.0.0.0/8 is this machine. Clients of one address would all belong to one worker where it is the
 * address that decides.
 */
function someClient(url: string): { localAddress?: string } {
  const isLoopback = ['localhost', '127.0.0.1'].includes(new URL(url).hostname);
  if (process.platform !== 'linux' || !isLoopback) return {};
  return { localAddress: `127.0.${randomInt(256)}.${randomInt(1, 255)}` };
}

/** By the system's resolver, in another thread, a request of a busy process would set out long after it was made. */
const lookup: LookupFunction = (hostname, options, callback) => {
  if (hostname !== 'localhost') return systemLookup(hostname, options, callback);
  if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }]);
  else callback(null, '127.0.0.1', 4);
};

/** One HTTP or HTTPS request; any certificate is taken. Rejects where no whole response came. */
export function request(url: string, options: RequestOptions = {}): Promise<HttpReply> {
  const { method = 'GET', body, agent = false, timeout = PATIENCE } = options;
  const content = body === undefined ? undefined : JSON.stringify(body);
  const headers = { ...options.headers, ...(content === undefined ? {} : { 'content-type': 'application/json' }) };
  const open = url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const client = agent === false ? someClient(url) : {};
    const outgoing = open(url, { method, headers, agent, lookup, rejectUnauthorized: false, ...client }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', fail);
      incoming.on('end', () => {
        clearTimeout(timer);
        const text = Buffer.concat(chunks).toString();
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text });
      });
    });
    const fail = (error: Error) => {
      clearTimeout(timer);
      reject(error);
    };
    const timer = setTimeout(() => {
      outgoing.destroy(Object.assign(new Error(`no response of ${url} within ${timeout} ms`), { code: 'ETIMEDOUT' }));
    }, timeout);
    outgoing.on('error', fail);
    outgoing.end(content);
  });
}
