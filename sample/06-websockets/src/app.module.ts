import { Controller, Get, Header, Module, Post } from '@nestjs/common';
import { ClusterModule, ClusterService, ReloadService } from 'nestjs-cluster';
import { ChatGateway } from './chat.gateway.js';
import { CHAT_PAGE } from './chat.page.js';
import { PrimaryModule } from './primary.module.js';

@Controller()
class ChatController {
  constructor(
    private readonly cluster: ClusterService,
    private readonly reloads: ReloadService,
  ) {}

  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  page() {
    return CHAT_PAGE;
  }

  /** The worker that clients with your address have. */
  @Get('who')
  whoAmI() {
    return { pid: process.pid, slot: this.cluster.slot, generation: this.cluster.generation };
  }

  /** Replaces every worker; each client finds the next one by itself. */
  @Post('reload')
  reload() {
    return this.reloads.reload();
  }
}

@Module({
  imports: [
    ClusterModule.forRoot({
      workers: 2,
      // A session of long polling is many connections, and only one worker knows it.
      listen: 'sticky',
      sticky: { proxies: Number(process.env.PROXIES ?? 0) },
      primary: PrimaryModule,
    }),
  ],
  controllers: [ChatController],
  providers: [ChatGateway],
})
export class AppModule {}
