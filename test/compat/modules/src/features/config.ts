import { Controller, Get, Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import type { Feature } from '../feature.js';

@Controller('config')
class ConfigController {
  constructor(private readonly config: ConfigService) {}

  @Get()
  read() {
    return { pid: process.pid, greeting: this.config.getOrThrow<string>('GREETING') };
  }
}

@Module({
  imports: [ConfigModule.forRoot({ envFilePath: process.env['ENV_FILE']! })],
  controllers: [ConfigController],
})
class GreetingModule {}

export const feature: Feature = { module: GreetingModule };
