import { Controller, Get, Module } from '@nestjs/common';
import { ClusterModule, ClusterService } from 'nestjs-cluster';
import { clusterOptions } from './cluster.js';
import { features } from './feature.js';

@Controller()
class WhoController {
  constructor(private readonly cluster: ClusterService) {}

  @Get()
  who() {
    return { pid: process.pid, slot: this.cluster.slot, generation: this.cluster.generation };
  }
}

@Module({
  imports: [ClusterModule.forRoot(clusterOptions), ...features.map(({ module }) => module)],
  controllers: [WhoController],
})
export class AppModule {}
