import { Controller, Module, Post, UploadedFile, UseInterceptors } from '@nestjs/common';
import { FileInterceptor } from '@nestjs/platform-express';
import { createHash } from 'node:crypto';
import { ClusterService } from 'nestjs-cluster';
import type { Feature } from '../feature.js';
import { report } from '../report.js';
import { untilLeaving } from '../until-leaving.js';

/** What multer gives of a file that it keeps in memory. */
class UploadedBytes {
  readonly originalname!: string;
  readonly size!: number;
  readonly buffer!: Buffer;
}

@Controller('upload')
class UploadController {
  @Post()
  @UseInterceptors(FileInterceptor('file'))
  receive(@UploadedFile() file: UploadedBytes) {
    return {
      pid: process.pid,
      name: file.originalname,
      size: file.size,
      hash: createHash('sha256').update(file.buffer).digest('hex'),
    };
  }
}

@Module({ controllers: [UploadController] })
class UploadModule {}

export const feature: Feature = {
  module: UploadModule,
  setUp: (app) => {
    app.use('/upload', ({ url }: { url: string }, _response: unknown, next: () => void) => {
      const slow = url.includes('slow');
      report('uploading', { slow });
      next();
      if (slow) void untilLeaving(app.get(ClusterService)).then(() => report('leaving'));
    });
  },
};
