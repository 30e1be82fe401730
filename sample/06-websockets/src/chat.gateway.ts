import {
  MessageBody,
  type OnGatewayConnection,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { ClusterService } from 'nestjs-cluster';
import type { Server, Socket } from 'socket.io';

// A ping ends a long poll, and a worker leaves when its last request has ended.
@WebSocketGateway({ pingInterval: 5_000 })
export class ChatGateway implements OnGatewayConnection {
  @WebSocketServer()
  private readonly server!: Server;

  constructor(private readonly cluster: ClusterService) {}

  handleConnection(client: Socket): void {
    const { slot, generation } = this.cluster;
    client.emit('welcome', { pid: process.pid, slot, generation });
  }

  /** Everybody hears it, whichever worker they are with. */
  @SubscribeMessage('say')
  say(@MessageBody() text: string): void {
    this.server.emit('said', { text, pid: process.pid, slot: this.cluster.slot });
  }
}
