import { Module } from '@nestjs/common';
import { ClusterModule } from 'nestjs-cluster';
import { AppController } from './app.controller.js';
import { NotesService } from './notes.service.js';
import { PrimaryModule } from './primary.module.js';

@Module({
  // No number of workers: as many as this machine has cores, or WEB_CONCURRENCY says.
  imports: [ClusterModule.forRoot({ primary: PrimaryModule })],
  controllers: [AppController],
  providers: [NotesService],
})
export class AppModule {}
