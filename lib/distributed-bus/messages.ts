import type { Address, MemberId, Outcome } from '../bus/bus.interface.js';
import type { ConclusionHeader } from './leases/store-claims.js';
import type { Beat, Card } from './membership.js';
import type { ResultHeader } from './tasks/task-message.js';
import type { WireTime } from './wire-time.js';

/** What everybody subscribes to: broadcasts of the application, and words of the members among themselves. */
export const EVERYONE = 'everyone';
export const MEMBERS = 'members';

/** The word of so many answers that were renewed is one message. */
export const MOST_KEPT = 500;

/** What members can say in their log who understand nothing else. */
export interface ForOtherVersions {
  /** The version of the package. */
  readonly release?: string;
}

/** Said to everybody about members. */
export type MemberWord =
  | { readonly type: 'card'; readonly card: Card }
  | ({ readonly type: 'beat'; readonly beat: Beat } & ForOtherVersions)
  /** A new member, or one that was away: the others introduce themselves to it. */
  | ({ readonly type: 'hello'; readonly id: MemberId } & ForOtherVersions)
  /** The member is gone; by itself, or by its primary. */
  | { readonly type: 'gone'; readonly id: MemberId };

/** Said to everybody about members, tasks and claims. */
export type Word =
  | MemberWord
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
export type Letter =
  | RequestLetter
  | ({ readonly type: 'result' } & ResultHeader)
  | { readonly type: 'progress'; readonly task: string }
  /** The member runs the task. */
  | { readonly type: 'runs'; readonly task: string }
  /** Whether the member runs under the claim. */
  | { readonly type: 'holds'; readonly key: string; readonly isHeld: boolean; readonly fromId: MemberId }
  /** Whether the member runs tasks of the event. */
  | { readonly type: 'serving'; readonly event: string; readonly isServed: boolean; readonly fromId: MemberId }
  /** Who are you? Answered by a card. */
  | { readonly type: 'who'; readonly fromId: MemberId }
  | { readonly type: 'card'; readonly card: Card };
