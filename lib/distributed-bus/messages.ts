import type { Address, MemberId, Outcome } from '../bus/bus.interface.js';

import type { Heartbeat, MemberInfo } from './membership.js';
import type { ResultHeader } from './tasks/task-message.js';
import type { WireTime } from './wire-time.js';

/** The subjects that every member subscribes to: broadcasts of the application, and messages about members. */
export const EVERYONE = 'everyone';
export const MEMBERS = 'members';

/** The largest number of renewed answers in one message. */
export const MOST_KEPT = 500;

/** What members of another version can read and log, though they understand nothing else of the message. */
export interface ForOtherVersions {
  /** The version of the package. */
  readonly release?: string;
}

/** Messages about members, sent to all members. */
export type MemberMessage =
  | { readonly type: 'info'; readonly info: MemberInfo }
  | ({ readonly type: 'heartbeat'; readonly heartbeat: Heartbeat } & ForOtherVersions)
  /** From a new member, or one that was away: the others introduce themselves to it. */
  | ({ readonly type: 'discover'; readonly id: MemberId } & ForOtherVersions)
  /** The member is gone; sent by the member itself or by its primary. */
  | { readonly type: 'disconnect'; readonly id: MemberId };

/** Messages about members, tasks and claims, sent to all members. */
export type MemberBroadcast =
  | MemberMessage
  /** No caller waits for the task any more. */
  | { readonly type: 'abandon'; readonly task: string }
  /** Asks which member runs the task; that member answers. */
  | { readonly type: 'who-runs'; readonly task: string; readonly fromId: MemberId }
  /** Asks which member runs under the claim; all members answer. */
  | { readonly type: 'who-holds'; readonly key: string; readonly fromId: MemberId }
  /**
   * Asks which workers run tasks of an event that no member lists. All ready workers answer, and those that run them
   * take tasks from its queue for a while.
   */
  | { readonly type: 'wanted'; readonly event: string; readonly fromId: MemberId }
  /** These answers of claims were renewed; each is named by its key in the store. */
  | { readonly type: 'kept'; readonly answers: readonly string[]; readonly fromId: MemberId }
  | ({ readonly type: 'concluded' } & ConclusionHeader);

/** A broadcast. */
export interface PublishHeader {
  readonly id: number;
  readonly event: string;
  readonly from: Address;
  readonly fromId: MemberId;
}

/** Messages about a call, sent to one member. */
export type RequestLetter =
  | ({ readonly type: 'request'; readonly deadline: WireTime | null } & PublishHeader)
  | {
      readonly type: 'reply';
      readonly id: number;
      readonly outcome: Outcome;
      readonly slot: Address;
      readonly fromId: MemberId;
    }
  /** The request was not run, because the member is leaving. */
  | { readonly type: 'refused'; readonly id: number; readonly fromId: MemberId };

/** Messages that are sent to one member. */
export type DirectMessage =
  | RequestLetter
  | ({ readonly type: 'result' } & ResultHeader)
  | { readonly type: 'progress'; readonly task: string }
  /** The sender runs the task. */
  | { readonly type: 'runs'; readonly task: string }
  /** Whether the sender runs under the claim. */
  | { readonly type: 'holds'; readonly key: string; readonly isHeld: boolean; readonly fromId: MemberId }
  /** Whether the sender runs tasks of the event. */
  | { readonly type: 'serving'; readonly event: string; readonly isServed: boolean; readonly fromId: MemberId }
  /** Asks the member who it is; it answers with an `info`. */
  | { readonly type: 'discover'; readonly fromId: MemberId }
  | { readonly type: 'info'; readonly info: MemberInfo };

/** How a run under a claim ended. */
export interface ConclusionHeader {
  readonly key: string;
  readonly outcome: 'ok' | 'error';
  readonly slot: Address;
  /** Until when the answer counts; null for as long as the cluster lives. */
  readonly until: WireTime | null;
  /** The fencing token of the run that gave this result. */
  readonly token: number;
}
