import { Controller, Get, Injectable, Module, type OnModuleInit, Query } from '@nestjs/common';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import libsql from 'libsql';
import { MessengerService } from 'nestjs-cluster';
import { Column, DataSource, Entity, PrimaryGeneratedColumn, type Repository } from 'typeorm';
import type { Feature } from '../feature.js';
import { report } from '../report.js';

@Entity()
class Note {
  @PrimaryGeneratedColumn() readonly id!: number;
  @Column({ type: 'varchar', unique: true }) text!: string;
}

@Injectable()
class Schema implements OnModuleInit {
  constructor(
    private readonly source: DataSource,
    private readonly messenger: MessengerService,
  ) {}

  /** By one worker, before any listens. */
  async onModuleInit() {
    await this.messenger.runOnce('schema:1', async () => {
      report('migrated');
      await this.source.synchronize();
    });
  }
}

@Controller('typeorm')
class NotesController {
  constructor(@InjectRepository(Note) private readonly notes: Repository<Note>) {}

  @Get()
  async write(@Query('text') text: string) {
    const { id } = await this.notes.save({ text });
    return { pid: process.pid, note: await this.notes.findOneByOrFail({ id }) };
  }

  @Get('count')
  async count() {
    return { count: await this.notes.count() };
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot({
      // With an interface like better-sqlite3's, and no compiler needed to install it.
      type: 'better-sqlite3',
      driver: libsql,
      database: process.env['DATABASE']!,
      enableWAL: true,
      prepareDatabase: (database: { exec(sql: string): void }) => database.exec('PRAGMA busy_timeout = 10000'),
      entities: [Note],
    }),
    TypeOrmModule.forFeature([Note]),
  ],
  controllers: [NotesController],
  providers: [Schema],
})
class NotesModule {}

export const feature: Feature = { module: NotesModule };
