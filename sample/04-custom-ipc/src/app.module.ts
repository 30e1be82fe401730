import { Controller, Get, Module } from '@nestjs/common';
import { ClusterModule, ClusterService } from 'nestjs-cluster';
import { PrimaryChannel } from './primary-channel.service.js';
import { PrimaryModule } from './primary.module.js';

@Controller()
class ChannelController {
  constructor(
    private readonly cluster: ClusterService,
    private readonly channel: PrimaryChannel,
  ) {}

  @Get()
  whoAmI() {
    return { pid: process.pid, slot: this.cluster.slot };
  }

  /** Asks the primary with process.send and answers with what it said. */
  @Get('ask')
  async ask() {
    return { slot: this.cluster.slot, primarySaid: await this.channel.ask() };
  }
}

@Module({
  imports: [ClusterModule.forRoot({ primary: PrimaryModule })],
  controllers: [ChannelController],
  providers: [PrimaryChannel],
})
export class AppModule {}
