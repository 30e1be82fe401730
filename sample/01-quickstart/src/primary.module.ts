import { Injectable, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { ClusterService, OnWorkerEvent } from 'nestjs-cluster';
import { first } from 'rxjs';

/** Lives in the primary: says once what to try, when every worker is ready. */
@Injectable()
class Greeter implements OnApplicationBootstrap {
  private forked = 0;

  constructor(private readonly cluster: ClusterService) {}

  @OnWorkerEvent('fork')
  countFork(): void {
    this.forked += 1;
  }

  onApplicationBootstrap(): void {
    this.cluster.members$
      .pipe(first((members) => members.length > 0 && members.length === this.forked))
      .subscribe((members) => console.log(invitation(members.length)));
  }
}

function invitation(workers: number): string {
  const url = `http://localhost:${process.env.PORT ?? 3000}`;
  return `
${workers} workers are ready. Try, more than once:
  curl ${url}/                            which worker answers
  curl -X POST ${url}/broadcast/hello     tells every worker
  curl ${url}/notes                       what the answering worker has heard
  curl -X POST ${url}/consume/40          one worker computes
  curl ${url}/map                         every worker answers
  curl -X POST ${url}/reload              every worker is replaced, no request is lost
`;
}

@Module({ providers: [Greeter] })
export class PrimaryModule {}
