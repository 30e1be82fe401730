import { describe, expect, it } from '@jest/globals';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { CLOSE_TIMEOUT } from '../../../lib/boot/boot-primary.js';
import { problemsOfCompose } from './compose-schema.js';
import { problemsOfManifests } from './kubernetes-schema.js';
import { composeFile, deployed, type Json, manifest, manifests, yamlFiles } from './manifests.js';

const SECOND = 1_000; // ms
/** Beyond what is known, in ms: whoever stops the app is no more exact than that. */
const SPARE = 5 * SECOND;

const { shutdown, startup, watchdog, restart } = resolveOptions({});
/** How long the primary may take from SIGTERM on, in ms. */
const longestStop = shutdown.delay + shutdown.timeout + shutdown.killAfter + CLOSE_TIMEOUT;

const COMPOSE = ['compose.yaml', 'compose.redis.yaml'];
const KUBERNETES = ['kubernetes/app.yaml', 'kubernetes/nats.yaml', 'kubernetes/redis.yaml'];

const deployment = () => manifest('kubernetes/app.yaml', 'Deployment', 'shop');
const podOf = (workload: Json) => workload.spec.template;
const app = () => podOf(deployment()).spec.containers[0];
const appServices = () => ['app-1', 'app-2'].map((name) => composeFile('compose.yaml').services[name]);
/** Of a duration in whole seconds, in ms. */
function duration(text: string): number {
  const [, seconds] = /^(\d+)s$/.exec(text) ?? [];
  return Number(seconds) * SECOND;
}
const variable = (name: string): string => app().env.find((entry: Json) => entry.name === name).value;

/** A copy with one thing done to it. */
function broken(document: Json, breakIt: (copy: Json) => void): Json {
  const copy = structuredClone(document);
  breakIt(copy);
  return copy;
}

describe('schemas', () => {
  it('every YAML file in deploy/ is checked by one of them', () => {
    expect(yamlFiles()).toEqual([...COMPOSE, ...KUBERNETES].toSorted());
  });

  it.each(COMPOSE)('%s is what the Compose Specification takes', (path) => {
    expect(problemsOfCompose(composeFile(path))).toEqual([]);
  });

  it.each(KUBERNETES)('%s is what the Kubernetes API takes', (path) => {
    expect(manifests(path).length).toBeGreaterThan(0);
    expect(problemsOfManifests(manifests(path))).toEqual([]);
  });

  it.each<[string, (file: Json) => void, string]>([
    ['an unknown key', (file) => (file.services['app-1'].stop_grace = '45s'), 'stop_grace'],
    ['an unknown section', (file) => (file.service = {}), 'service'],
    ['a wrong type', (file) => (file.services['app-1'].init = 'no'), '/services/app-1/init'],
    ['no duration', (file) => (file.services['app-1'].stop_grace_period = '45 seconds'), 'stop_grace_period'],
  ])('%s in a compose file is found', (_, breakIt, where) => {
    const problems = problemsOfCompose(broken(composeFile('compose.yaml'), breakIt));
    expect(problems.join('\n')).toContain(where);
  });

  it.each<[string, (document: Json) => void, string]>([
    [
      'an unknown key',
      (it) => (podOf(it).spec.terminationGracePeriod = 55),
      `'"terminationGracePeriod"' does not exist`,
    ],
    ['an unknown key in a list', (it) => (podOf(it).spec.containers[0].probe = {}), `'"probe"' does not exist`],
    ['a number for a quantity', (it) => (podOf(it).spec.containers[0].resources.limits.cpu = 2), "'number'"],
    ['a missing key', (it) => delete it.spec.selector, "'selector' is missing"],
    ['an unknown kind', (it) => (it.kind = 'Deploy'), "no exported member 'Deploy'"],
    ['an unknown API', (it) => (it.apiVersion = 'app/v1'), "Cannot find module 'kubernetes-types/app/v1'"],
  ])('%s in a manifest is found', (_, breakIt, problem) => {
    expect(problemsOfManifests([broken(deployment(), breakIt)]).join('\n')).toContain(problem);
  });
});

describe('time to stop', () => {
  it('Docker waits for as long as the primary may take by default', () => {
    for (const service of appServices()) expect(duration(service.stop_grace_period)).toBe(longestStop + SPARE);
  });

  it('the load balancer may wait for as long for what it has begun', () => {
    expect(duration(composeFile('compose.yaml').services.balancer.stop_grace_period)).toBe(longestStop + SPARE);
  });

  it('Kubernetes waits for as long, and for the time before the signal', () => {
    const { terminationGracePeriodSeconds } = podOf(deployment()).spec;
    const before = app().lifecycle.preStop.sleep.seconds * SECOND;
    expect(terminationGracePeriodSeconds * SECOND).toBe(before + longestStop + SPARE);
  });

  it('the broker stops after the apps, and they after the load balancer', () => {
    const { balancer } = composeFile('compose.yaml').services;
    expect(Object.keys(balancer.depends_on)).toEqual(['app-1', 'app-2']);
    for (const service of appServices()) expect(Object.keys(service.depends_on)).toEqual(['broker']);
  });
});

describe('probes', () => {
  it('all ask the route that the README shows', () => {
    const { startupProbe, readinessProbe, livenessProbe } = app();
    const path = `/${/@Controller\('(.+)'\)/.exec(deployed('README.md'))?.[1]}`;
    expect(path).toBe('/health');
    for (const probe of [startupProbe, readinessProbe, livenessProbe])
      expect(probe.httpGet).toEqual({ path, port: 'http' });
    for (const service of appServices()) expect(service.healthcheck.test.join(' ')).toContain(`:3000${path}'`);
  });

  it('each outlasts the silence after which another worker takes the connection', () => {
    const { startupProbe, readinessProbe, livenessProbe } = app();
    for (const { timeoutSeconds } of [startupProbe, readinessProbe, livenessProbe]) {
      expect(timeoutSeconds * SECOND).toBeGreaterThan(watchdog.suspectAfter);
    }
    for (const service of appServices()) {
      expect(duration(service.healthcheck.timeout)).toBeGreaterThan(watchdog.suspectAfter);
    }
  });

  it('a start may take as long as the primary tries', () => {
    const { periodSeconds, failureThreshold } = app().startupProbe;
    expect(periodSeconds * failureThreshold * SECOND).toBeGreaterThan(startup.timeout);
    for (const service of appServices()) expect(duration(service.healthcheck.start_period)).toBe(startup.timeout);
  });

  it('the kubelet restarts nothing that the primary could still mend', () => {
    const { periodSeconds, failureThreshold } = app().livenessProbe;
    // The first failure may be due at once.
    const patience = periodSeconds * (failureThreshold - 1) * SECOND;
    expect(patience).toBeGreaterThan(watchdog.killAfter + restart.maxDelay + startup.timeout);
  });
});

describe('what belongs together', () => {
  const workloads = [
    ['kubernetes/app.yaml', 'Deployment', 'shop'],
    ['kubernetes/nats.yaml', 'StatefulSet', 'nats'],
    ['kubernetes/redis.yaml', 'StatefulSet', 'redis'],
  ] as const;

  it.each(workloads)('%s: whatever selects pods selects those of the %s', (path, kind, name) => {
    const workload = manifest(path, kind, name);
    const { labels } = podOf(workload).metadata;
    const own = { matchLabels: labels };
    expect(workload.spec.selector).toEqual(own);
    for (const { labelSelector } of podOf(workload).spec.topologySpreadConstraints ?? []) {
      expect(labelSelector).toEqual(own);
    }
    for (const { kind: other, spec } of manifests(path)) {
      if (other === 'Service') expect(spec.selector).toEqual(labels);
      if (other === 'PodDisruptionBudget') expect(spec.selector).toEqual(own);
      if (other === 'NetworkPolicy') expect(spec.podSelector).toEqual(own);
    }
  });

  it.each(workloads)('%s: ports go by the names that the containers give them', (path, kind, name) => {
    const ports = podOf(manifest(path, kind, name)).spec.containers[0].ports.map((port: Json) => port.name);
    const named = manifests(path).flatMap(({ kind: other, spec }) => {
      if (other === 'Service') return spec.ports.map(({ targetPort }: Json) => targetPort);
      return other === 'NetworkPolicy' ? spec.ingress.map((rule: Json) => rule.ports[0].port) : [];
    });
    expect(named.length).toBeGreaterThan(0);
    expect(ports).toEqual(expect.arrayContaining(named));
  });

  it.each(workloads.slice(1))('%s: the app is let in', (path, _, name) => {
    const [first] = manifest(path, 'NetworkPolicy', name).spec.ingress;
    expect(first.from).toEqual([{ podSelector: { matchLabels: podOf(deployment()).metadata.labels } }]);
  });

  it('one pod of each kind may be away, and none of the app by a rollout', () => {
    expect(manifest('kubernetes/app.yaml', 'PodDisruptionBudget', 'shop').spec.maxUnavailable).toBe(1);
    expect(deployment().spec.strategy.rollingUpdate.maxUnavailable).toBe(0);
    expect(manifest('kubernetes/nats.yaml', 'PodDisruptionBudget', 'nats').spec.maxUnavailable).toBe(1);
  });

  it('the brokers are where the app looks for them', () => {
    const { hostname, port } = new URL(variable('BROKER_URL'));
    const service = manifest('kubernetes/nats.yaml', 'Service', hostname);
    expect(service.spec.ports.map((entry: Json) => String(entry.port))).toContain(port);
    const redis = new URL(/redis:\/\/\S+/.exec(deployed('kubernetes/redis.yaml'))?.[0] ?? '');
    const redisPorts = manifest('kubernetes/redis.yaml', 'Service', redis.hostname).spec.ports;
    expect(redisPorts.map((entry: Json) => String(entry.port))).toEqual([redis.port]);
    for (const path of COMPOSE) {
      const { services } = composeFile(path);
      for (const name of ['app-1', 'app-2']) {
        expect(services).toHaveProperty(new URL(services[name].environment.BROKER_URL).hostname);
      }
    }
  });

  it('the load balancer knows both hosts', () => {
    const servers = [...deployed('nginx.conf').matchAll(/^ {2}server (\S+):(\d+) /gm)].map(([, host, port]) => [
      host,
      port,
    ]);
    expect(servers).toEqual([
      ['app-1', '3000'],
      ['app-2', '3000'],
    ]);
  });

  it('each NATS server has a route to all of them, and the app asks for as many copies', () => {
    const { spec } = manifest('kubernetes/nats.yaml', 'StatefulSet', 'nats');
    const config: string = manifest('kubernetes/nats.yaml', 'ConfigMap', 'nats').data['nats.conf'];
    const routes = [...config.matchAll(/nats:\/\/(\S+):6222/g)].map(([, host]) => host);
    expect(routes).toEqual(Array.from({ length: spec.replicas }, (_, index) => `nats-${index}.${spec.serviceName}`));
    expect(variable('NATS_REPLICAS')).toBe(String(spec.replicas));
  });

  it('Redis keeps what it took, in a file, and throws nothing away', () => {
    const { args } = podOf(manifest('kubernetes/redis.yaml', 'StatefulSet', 'redis')).spec.containers[0];
    for (const command of [args, composeFile('compose.redis.yaml').services.broker.command]) {
      expect(command.join(' ')).toContain('--appendonly yes');
      expect(command.join(' ')).toContain('--maxmemory-policy noeviction');
    }
  });

  it('the image starts the primary itself, as the user that Kubernetes names', () => {
    const [, user] = /^USER (.+)$/m.exec(deployed('Dockerfile')) ?? [];
    const { runAsUser, runAsGroup } = podOf(deployment()).spec.securityContext;
    expect(user).toBe(`${runAsUser}:${runAsGroup}`);
    const [, command] = /^CMD (.+)$/m.exec(deployed('Dockerfile')) ?? [];
    expect(JSON.parse(command ?? '')).toEqual(['node', 'dist/main.js']);
  });
});
