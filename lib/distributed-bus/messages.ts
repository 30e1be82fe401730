import type { Address, MemberId, Outcome } from '../bus/bus.interface.js';

import type { Heartbeat, MemberInfo } from './membership.js';
import type { ResultHeader } from './tasks/task-message.js';
import type { WireTime } from './wire-time.js';

/** What everybody subscribes to: broadcasts of the application, and messages about members. */
export const EVERYONE = 'everyone';
export const MEMBERS = 'members';

/** How many renewed answers one message names at most. */
export const MOST_KEPT = 500;

/** What members can say in their log who understand nothing else. */
export interface ForOtherVersions {
  /** The version of the package. */
  readonly release?: string;
}

/** Said to everybody about members. */
export type MemberMessage =
  | { readonly type: 'info'; readonly info: MemberInfo }
  | ({ readonly type: 'heartbeat'; readonly heartbeat: Heartbeat } & ForOtherVersions)
  /** A new member, or one that was away: the others introduce themselves to it. */
  | ({ readonly type: 'discover'; readonly id: MemberId } & ForOtherVersions)
  /** The member is gone; by itself, or by its primary. */
  | { readonly type: 'disconnect'; readonly id: MemberId };

/** Said to everybody about members, tasks and claims. */
export type MemberBroadcast =
  | MemberMessage
  /** Nobody waits for the task any more. */
  | { readonly type: 'abandon'; readonly task: string }
  /** Who runs the task? Answered by whoever does. */
  | { readonly type: 'who-runs'; readonly task: string; readonly fromId: MemberId }
  /** Who runs under the claim? All answer. */
  | { readonly type: 'who-holds'; readonly key: string; readonly fromId: MemberId }
  /** Who runs tasks of the event, though it is on no list? Whoever does works at its queue for a while; all answer. */
  | { readonly type: 'wanted'; readonly event: string; readonly fromId: MemberId }
  /** These answers of claims were renewed; by their keys in the store. */
  | { readonly type: 'kept'; readonly answers: readonly string[]; readonly fromId: MemberId }
  | ({ readonly type: 'concluded' } & ConclusionHeader);

/** A broadcast. */
export interface PublishHeader {
  readonly id: number;
  readonly event: string;
  readonly from: Address;
  readonly fromId: MemberId;
}

/** Said to one member about a call. */
export type RequestLetter =
  | ({ readonly type: 'request'; readonly deadline: WireTime | null } & PublishHeader)
  | {
      readonly type: 'reply';
      readonly id: number;
      readonly outcome: Outcome;
      readonly slot: Address;
      readonly fromId: MemberId;
    }
  /** It was not run: the member leaves. */
  | { readonly type: 'refused'; readonly id: number; readonly fromId: MemberId };

/** Said to one member. */
export type DirectMessage =
  | RequestLetter
  | ({ readonly type: 'result' } & ResultHeader)
  | { readonly type: 'progress'; readonly task: string }
  /** The member runs the task. */
  | { readonly type: 'runs'; readonly task: string }
  /** Whether the member runs under the claim. */
  | { readonly type: 'holds'; readonly key: string; readonly isHeld: boolean; readonly fromId: MemberId }
  /** Whether the member runs tasks of the event. */
  | { readonly type: 'serving'; readonly event: string; readonly isServed: boolean; readonly fromId: MemberId }
  /** Who are you? Answered by an `info`. */
  | { readonly type: 'discover'; readonly fromId: MemberId }
  | { readonly type: 'info'; readonly info: MemberInfo };

/** How a run ended. */
export interface ConclusionHeader {
  readonly key: string;
  readonly outcome: 'ok' | 'error';
  readonly slot: Address;
  /** Until when it counts; null for the cluster's life. */
  readonly until: WireTime | null;
  /** Of the run that it is the result of. */
  readonly token: number;
}
