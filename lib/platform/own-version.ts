import { installedVersion } from './installed-version.js';

let version: string | undefined;

/** The version of this package; 'unknown' where it runs from somewhere else than an installed package. */
export function ownVersion(): string {
  return (version ??= installedVersion('nestjs-cluster') ?? 'unknown');
}
