import { Controller, Get, Param, ParseIntPipe, Post } from '@nestjs/common';
import { ClusterService, MessengerService, ReloadService } from 'nestjs-cluster';
import { NotesService } from './notes.service.js';

@Controller()
export class AppController {
  constructor(
    private readonly cluster: ClusterService,
    private readonly messenger: MessengerService,
    private readonly reloads: ReloadService,
    private readonly notes: NotesService,
  ) {}

  /** Which worker answers? */
  @Get()
  whoAmI() {
    return { pid: process.pid, slot: this.cluster.slot, generation: this.cluster.generation };
  }

  /** Tells every worker. */
  @Post('broadcast/:text')
  async broadcast(@Param('text') text: string) {
    await this.messenger.broadcast('note.added', text);
    return { told: this.cluster.members().length };
  }

  /** What the answering worker has been told. */
  @Get('notes')
  heard() {
    return { slot: this.cluster.slot, notes: this.notes.notes };
  }

  /** Has one worker compute. */
  @Post('consume/:n')
  consume(@Param('n', ParseIntPipe) n: number) {
    return this.messenger.consume('fibonacci', n);
  }

  /** Asks every worker. */
  @Get('map')
  map() {
    return this.messenger.map('worker.stats');
  }

  /** Replaces every worker, this one last; no request is lost meanwhile. */
  @Post('reload')
  reload() {
    return this.reloads.reload();
  }
}
