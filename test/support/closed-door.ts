import { expect } from '@jest/globals';
import type { Load } from './load.js';

/**
 * Ends a load on an app that has stopped: who comes later finds nobody. One may come in the very moment in which the door
 * is closed, and the kernel resets it. Nobody hangs.
 */
export async function expectClosedDoor(load: Load): Promise<void> {
  const { ECONNREFUSED = 0, ECONNRESET = 0, ...others } = (await load.finish()).failures;
  expect(others).toEqual({});
  expect(ECONNREFUSED).toBeGreaterThan(0);
  expect(ECONNRESET).toBeLessThanOrEqual(2);
}
