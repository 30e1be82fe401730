import { type Fields, Unreadable } from './envelope.js';
import type { Address, MemberLoad, Outcome, ServedEvent } from '../bus/bus.interface.js';
import {
  type ConclusionHeader,
  type DirectMessage,
  MOST_KEPT,
  type PublishHeader,
  type MemberBroadcast,
} from './messages.js';
import type { Heartbeat, MemberInfo, MemberState } from './membership.js';
import type { BeginningHeader, ResultHeader, TaskHeader } from './tasks/task-message.js';
import type { WireTime } from './wire-time.js';

/**
 * Checks the shape of messages between members, because anybody who may publish at the broker can send anything. Each
 * function takes a header as it was received and returns its known fields, or throws an error that names the field and
 * quotes nothing of it. Fields of later versions are left out.
 */

/** Longest event name, id or key, in characters. The messenger refuses names of more than this many bytes. */
const MAX_NAME = 1_024;

/** The most events that one member may list. */
const MAX_SERVED = 100_000;

const OUTCOMES: ReadonlySet<unknown> = new Set<Outcome>(['ok', 'error', 'no-handler', 'expired', 'lost', 'stopping']);
const STATES: ReadonlySet<unknown> = new Set<MemberState>(['booting', 'ready', 'leaving']);

/** Ids of tasks are parts of subjects and keys at the broker. */
const TASK_ID = /^[\w-]{1,1024}$/;

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function fields(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Unreadable(`${what} is no object`);
  return value as Fields;
}

function count(from: Fields, field: string): number {
  const value = from[field];
  if (!isCount(value)) throw new Unreadable(`${field} is no whole number from 0 on`);
  return value;
}

function finite(from: Fields, field: string): number {
  const value = from[field];
  if (!Number.isFinite(value)) throw new Unreadable(`${field} is no number`);
  return value as number;
}

function name(from: Fields, field: string): string {
  const value = from[field];
  if (typeof value !== 'string' || value === '' || value.length > MAX_NAME) {
    throw new Unreadable(`${field} is no text of 1 to ${MAX_NAME} characters`);
  }
  return value;
}

function taskId(from: Fields, field: string): string {
  const value = from[field];
  if (typeof value !== 'string' || !TASK_ID.test(value)) throw new Unreadable(`${field} is no id of a task`);
  return value;
}

function address(from: Fields, field: string): Address {
  const value = from[field];
  if (value !== 'primary' && !isCount(value)) throw new Unreadable(`${field} is no slot`);
  return value;
}

function outcome(from: Fields): Outcome {
  const { outcome: value } = from;
  if (!OUTCOMES.has(value)) throw new Unreadable('outcome is none that is known');
  return value as Outcome;
}

function time(from: Fields, field: string): WireTime | null {
  const value = from[field];
  if (value === null) return null;
  const given = fields(value, field);
  return { at: finite(given, 'at'), primary: count(given, 'primary'), unix: finite(given, 'unix') };
}

function served(value: unknown): ServedEvent[] | null {
  if (value === null) return null;
  if (!Array.isArray(value) || value.length > MAX_SERVED) {
    throw new Unreadable(`serves is no list of at most ${MAX_SERVED} events`);
  }
  return value.map((one: unknown) => ({ event: name(fields(one, 'an event of serves'), 'event') }));
}

function load(value: unknown): MemberLoad | null {
  if (value === null) return null;
  const given = fields(value, 'load');
  return {
    inFlight: finite(given, 'inFlight'),
    utilisation: finite(given, 'utilisation'),
    rss: finite(given, 'rss'),
  };
}

function memberInfo(value: unknown): MemberInfo {
  const given = fields(value, 'info');
  if (given['slot'] !== -1) count(given, 'slot');
  if (!STATES.has(given['state'])) throw new Unreadable('state is none that is known');
  return {
    id: count(given, 'id'),
    primary: count(given, 'primary'),
    worker: count(given, 'worker'),
    host: name(given, 'host'),
    slot: given['slot'] as number,
    generation: count(given, 'generation'),
    pid: count(given, 'pid'),
    state: given['state'] as MemberState,
    serves: served(given['serves']),
    servesMore: given['servesMore'] === true,
    revision: count(given, 'revision'),
  };
}

function heartbeat(value: unknown): Heartbeat {
  const given = fields(value, 'heartbeat');
  const leads = given['leads'] === null ? null : finite(given, 'leads');
  return { id: count(given, 'id'), revision: count(given, 'revision'), load: load(given['load']), leads };
}

/** How a run under a claim ended, in a message or in the store. */
export function conclusion(given: Fields): ConclusionHeader {
  const ended = outcome(given);
  if (ended !== 'ok' && ended !== 'error') throw new Unreadable('outcome is neither ok nor error');
  return {
    key: name(given, 'key'),
    outcome: ended,
    slot: address(given, 'slot'),
    until: time(given, 'until'),
    token: finite(given, 'token'),
  };
}

/** A broadcast. */
export function publication(given: Fields): PublishHeader {
  return {
    id: count(given, 'id'),
    event: name(given, 'event'),
    from: address(given, 'from'),
    fromId: count(given, 'fromId'),
  };
}

/** How a task ended, in a message or in the store. */
export function result(given: Fields): ResultHeader {
  return {
    task: taskId(given, 'task'),
    outcome: outcome(given),
    slot: address(given, 'slot'),
    run: name(given, 'run'),
  };
}

/** The record of a task in the store: that it has begun, or how it ended. */
export function taskRecord(given: Fields): BeginningHeader | ResultHeader {
  if (given['begun'] === undefined) return result(given);
  return {
    task: taskId(given, 'task'),
    begun: count(given, 'begun'),
    run: name(given, 'run'),
    by: count(given, 'by'),
    lease: count(given, 'lease'),
  };
}

/** A task in its queue. */
export function task(given: Fields): TaskHeader {
  const { key, progress } = given;
  if (typeof progress !== 'boolean') throw new Unreadable('progress is neither true nor false');
  return {
    id: taskId(given, 'id'),
    event: name(given, 'event'),
    key: key === null ? null : name(given, 'key'),
    from: address(given, 'from'),
    fromId: count(given, 'fromId'),
    deadline: time(given, 'deadline'),
    redeliveries: count(given, 'redeliveries'),
    attempts: count(given, 'attempts'),
    progress,
    // A task of an earlier version has no such field.
    recorded: given['recorded'] === undefined ? null : time(given, 'recorded'),
  };
}

/** A task that was given up, as it is stored. */
export function deadLetter(given: Fields): TaskHeader & { readonly died: number; readonly at: number } {
  const at = finite(given, 'at');
  if (Number.isNaN(new Date(at).getTime())) throw new Unreadable('at is no time');
  return { ...task(given), died: count(given, 'died'), at };
}

function kept(value: unknown): string[] {
  if (!Array.isArray(value) || value.length > MOST_KEPT)
    throw new Unreadable(`answers is no list of at most ${MOST_KEPT}`);
  return value.map((key: unknown) => taskId({ key }, 'key'));
}

/** A message to all members about members, tasks and claims. */
export function broadcastMessage(given: Fields): MemberBroadcast {
  const { type } = given;
  switch (type) {
    case 'info':
      return { type, info: memberInfo(given['info']) };
    case 'heartbeat':
      return { type, heartbeat: heartbeat(given['heartbeat']) };
    case 'discover':
    case 'disconnect':
      return { type, id: count(given, 'id') };
    case 'abandon':
      return { type, task: taskId(given, 'task') };
    case 'who-runs':
      return { type, task: taskId(given, 'task'), fromId: count(given, 'fromId') };
    case 'who-holds':
      return { type, key: name(given, 'key'), fromId: count(given, 'fromId') };
    case 'wanted':
      return { type, event: name(given, 'event'), fromId: count(given, 'fromId') };
    case 'kept':
      return { type, answers: kept(given['answers']), fromId: count(given, 'fromId') };
    case 'concluded':
      return { type, ...conclusion(given) };
    default:
      throw new Unreadable('it is of no type that is known');
  }
}

/** A message to one member. */
export function directMessage(given: Fields): DirectMessage {
  const { type } = given;
  switch (type) {
    case 'request':
      return { type, ...publication(given), deadline: time(given, 'deadline') };
    case 'reply': {
      const [id, fromId] = [count(given, 'id'), count(given, 'fromId')];
      return { type, id, outcome: outcome(given), slot: address(given, 'slot'), fromId };
    }
    case 'refused':
      return { type, id: count(given, 'id'), fromId: count(given, 'fromId') };
    case 'result':
      return { type, ...result(given) };
    case 'progress':
    case 'runs':
      return { type, task: taskId(given, 'task') };
    case 'holds':
      return { type, key: name(given, 'key'), isHeld: given['isHeld'] === true, fromId: count(given, 'fromId') };
    case 'serving': {
      const isServed = given['isServed'] === true;
      return { type, event: name(given, 'event'), isServed, fromId: count(given, 'fromId') };
    }
    case 'discover':
      return { type, fromId: count(given, 'fromId') };
    case 'info':
      return { type, info: memberInfo(given['info']) };
    default:
      throw new Unreadable('it is of no type that is known');
  }
}
