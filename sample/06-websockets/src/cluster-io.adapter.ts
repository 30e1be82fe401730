import { IoAdapter } from '@nestjs/platform-socket.io';
import { createAdapter } from '@socket.io/cluster-adapter';

type CreateServer = IoAdapter['createIOServer'];

/** A worker's end of Socket.IO's adapter: `server.emit` reaches the clients of all workers. */
export class ClusterIoAdapter extends IoAdapter {
  override createIOServer(...args: Parameters<CreateServer>): ReturnType<CreateServer> {
    return super.createIOServer(...args).adapter(createAdapter());
  }
}
