import { Injectable } from '@nestjs/common';
import { decorateClass, decorateMethod } from '../shared/decorate.js';
import { record } from '../shared/journal.js';
import { ClusterService, OnClusterEvent, OnWorkerEvent, ReloadService } from '../shared/nestjs-cluster.js';

/** In the primary: writes down who lives, who is ready, how a reload goes, and the broadcasts it hears. */
export class Witness {
  constructor(cluster, reloads) {
    this.cluster = cluster;
    this.reloads = reloads;
  }

  onModuleInit() {
    record('started', { node: process.version });
    this.cluster.members$.subscribe((members) => record('members', { members }));
    this.reloads.progress$.subscribe(({ phase, reason }) => record('reload', { phase, reason }));
  }

  forked(worker) {
    record('fork', { worker: worker.process.pid });
  }

  exited(worker, code, signal) {
    record('exit', { worker: worker.process.pid, code, signal });
  }

  heard({ from, seq }) {
    record('heard', { from, seq });
  }
}
decorateMethod(Witness, 'forked', OnWorkerEvent('fork'));
decorateMethod(Witness, 'exited', OnWorkerEvent('exit'));
decorateMethod(Witness, 'heard', OnClusterEvent('soak.news'));
decorateClass(Witness, [ClusterService, ReloadService], Injectable());
