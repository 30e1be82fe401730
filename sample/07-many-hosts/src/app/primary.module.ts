import { Injectable, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { ClusterService } from 'nestjs-cluster';
import { distinctUntilChanged, map } from 'rxjs';

/** Lives in the primary of each host: says which workers, of all hosts, it knows. */
@Injectable()
class MembershipLog implements OnApplicationBootstrap {
  constructor(private readonly cluster: ClusterService) {}

  onApplicationBootstrap(): void {
    this.cluster.members$
      .pipe(
        map((members) => members.map(({ host, slot }) => `${host}${slot}`).join(' ')),
        distinctUntilChanged(),
      )
      .subscribe((names) => console.log(`host ${process.env.HOST_NAME} knows: ${names || 'nobody'}`));
  }
}

@Module({ providers: [MembershipLog] })
export class PrimaryModule {}
