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

  /** Which worker answers, and which primary is its parent? */
  @Get()
  whoAmI() {
    return { ...this.notes.place, pid: process.pid, primary: process.ppid, generation: this.cluster.generation };
  }

  /** The ready workers of all hosts. */
  @Get('members')
  members() {
    return this.cluster.members();
  }

  /** Tells every worker of every host. */
  @Post('broadcast/:text')
  async broadcast(@Param('text') text: string) {
    await this.messenger.broadcast('note.added', text);
    return { told: this.cluster.members().length };
  }

  /** What the answering worker has been told. */
  @Get('notes')
  heard() {
    return { ...this.notes.place, notes: this.notes.notes };
  }

  /** Has one worker compute, on whichever host. */
  @Post('consume/:n')
  consume(@Param('n', ParseIntPipe) n: number) {
    return this.messenger.consume('fibonacci', n);
  }

  /** Asks every worker of every host. */
  @Get('map')
  map() {
    return this.messenger.map('worker.stats');
  }

  /** The first request with that key has it run; every later one, on any host, gets the same answer. */
  @Post('once/:key')
  once(@Param('key') key: string) {
    return this.messenger.runOnce(key, () => this.notes.migrate(key));
  }

  /** Replaces the workers of the host that answers; no request is lost meanwhile. */
  @Post('reload')
  async reload() {
    return { host: this.notes.place.host, ...(await this.reloads.reload()) };
  }
}
