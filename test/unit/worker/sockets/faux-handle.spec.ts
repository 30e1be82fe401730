import { beforeEach, describe, expect, it } from '@jest/globals';
import { type ClientHandle, FauxHandle, type SocketHandle } from '../../../../lib/worker/sockets/faux-handle.js';

class Door implements SocketHandle {
  onconnection: SocketHandle['onconnection'] = () => {};
  backlog: number | undefined;
  closed = false;
  referenced = true;

  constructor(private readonly errno = 0) {}

  listen(backlog: number): number {
    this.backlog = backlog;
    return this.errno;
  }

  close(): void {
    this.closed = true;
  }

  ref(): void {
    this.referenced = true;
  }

  unref(): void {
    this.referenced = false;
  }
}

const client: ClientHandle = { close: () => {} };

describe('Entrance', () => {
  let entrance: FauxHandle;
  let admitted: unknown[];
  let closings: number;
  beforeEach(() => {
    admitted = [];
    closings = 0;
    entrance = new FauxHandle(() => (closings += 1));
    entrance.onconnection = (_, handle) => admitted.push(handle);
  });

  it('listens on its doors when the server does, and on later ones at once, with the backlog of the server', () => {
    const early = new Door();
    const late = new Door();
    entrance.addSocket(0, early);
    expect(early.backlog).toBeUndefined();
    expect(entrance.listen(100)).toBe(0);
    entrance.addSocket(1, late);
    expect([early.backlog, late.backlog]).toEqual([100, 100]);
  });

  it('says so when a door cannot listen', () => {
    entrance.addSocket(0, new Door(-98));
    expect(entrance.listen(100)).toBe(-98);
  });

  it("gives connections of every door to the server's own handler, and counts them", () => {
    const doors = [new Door(), new Door()];
    doors.forEach((door, slot) => entrance.addSocket(slot, door));
    entrance.listen(100);
    for (const door of doors) door.onconnection(0, client);
    expect(admitted).toEqual([client, client]);
    expect(entrance.accepted).toBe(2);
  });

  it('closes a door that is taken away, one that is replaced, and all of them with the server', () => {
    const [first, second, other] = [new Door(), new Door(), new Door()];
    entrance.listen(100);
    entrance.addSocket(0, first);
    entrance.addSocket(0, second);
    entrance.addSocket(1, other);
    expect(first.closed).toBe(true);
    entrance.removeSocket(1);
    expect([second.closed, other.closed]).toEqual([false, true]);
    entrance.close();
    entrance.close();
    expect(second.closed).toBe(true);
    expect(closings).toBe(1);
  });

  it('closes a door that comes when the server is closed', () => {
    const late = new Door();
    entrance.listen(100);
    entrance.close();
    entrance.addSocket(0, late);
    expect(late.closed).toBe(true);
  });

  it('takes a connection only while the server listens', () => {
    expect(entrance.take(client)).toBe(false);
    entrance.listen(100);
    expect(entrance.take(client)).toBe(true);
    entrance.close();
    expect(entrance.take(client)).toBe(false);
    expect(admitted).toEqual([client]);
  });

  it('keeps the process up or not as the server was told, later doors too', () => {
    const [first, second] = [new Door(), new Door()];
    entrance.addSocket(0, first);
    entrance.listen(100);
    entrance.unref();
    entrance.addSocket(1, second);
    expect([first.referenced, second.referenced]).toEqual([false, false]);
    entrance.ref();
    expect([first.referenced, second.referenced]).toEqual([true, true]);
  });

  it('has the name of the socket that the primary bound', () => {
    entrance.bound({ address: '::', family: 'IPv6', port: 3000 });
    const name = {};
    expect(entrance.getsockname!(name)).toBe(0);
    expect(name).toEqual({ address: '::', family: 'IPv6', port: 3000 });
  });

  it('has no name where the socket is a path: the server tells that itself', () => {
    entrance.bound({});
    expect(entrance.getsockname).toBeUndefined();
  });
});
