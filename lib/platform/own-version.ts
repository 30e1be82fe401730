import { installedVersion } from './installed-version.js';

let version: string | undefined;

/** The version of this package; 'unknown' if it does not run from an installed package. */
export function ownVersion(): string {
  return (version ??= installedVersion('nestjs-cluster') ?? 'unknown');
}
