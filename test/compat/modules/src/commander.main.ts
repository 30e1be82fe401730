/** A command of an app whose module is imported by the command's module, too. */
import { Inject, Module } from '@nestjs/common';
import { Command, CommandFactory, CommandRunner } from 'nest-commander';
import { ClusterModule, ClusterService } from 'nestjs-cluster';
import { clusterOptions } from './cluster.js';
import { report } from './report.js';

@Command({ name: 'sum', arguments: '<numbers...>', options: { isDefault: true } })
class SumCommand extends CommandRunner {
  constructor(@Inject(ClusterService) private readonly cluster: ClusterService) {
    super();
  }

  async run(numbers: string[]): Promise<void> {
    const sum = numbers.map(Number).reduce((one, other) => one + other, 0);
    report('sum', { sum, role: this.cluster.role });
    // A script's own answer to its shell.
    process.exitCode = Number.isNaN(sum) ? 7 : 0;
  }
}

@Module({ imports: [ClusterModule.forRoot(clusterOptions)], providers: [SumCommand] })
class CommandModule {}

await CommandFactory.run(CommandModule, ['error', 'warn', 'log']);
