import { Controller, Get, Module, Param, Post } from '@nestjs/common';
import { ClusterModule, ClusterService, ReloadService } from 'nestjs-cluster';
import { ReleaseService } from './release.service.js';

@Controller()
class ReleaseController {
  constructor(
    private readonly cluster: ClusterService,
    private readonly reloads: ReloadService,
    private readonly release: ReleaseService,
  ) {}

  @Get()
  greeting() {
    const { version, greet } = this.release.current;
    return {
      greeting: greet('world'),
      version,
      pid: process.pid,
      slot: this.cluster.slot,
      generation: this.cluster.generation,
    };
  }

  /** Changes the code on disk; the workers that run the old code are replaced one by one. */
  @Post('update/:version')
  async update(@Param('version') version: string) {
    await this.release.write(version);
    return this.reloads.reload();
  }
}

@Module({
  imports: [ClusterModule.forRoot()],
  controllers: [ReleaseController],
  providers: [ReleaseService],
})
export class AppModule {}
