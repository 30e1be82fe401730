import type { Address, Answer, MemberId, Publication, Request, Task } from '../bus/bus.interface.js';
import {
  attemptOf,
  deadlineOf,
  eventOf,
  type Frame,
  idOf,
  keyOf,
  outcomeOf,
  payloadOf,
  sourceOf,
  sourceSlotOf,
} from './wire/frame.js';

/* Turns the frames that a member receives into the types of the Bus contract. */

export const publicationIn = (frame: Frame): Publication => ({
  event: eventOf(frame),
  payload: payloadOf(frame),
  from: sourceSlotOf(frame),
  id: idOf(frame),
});

/** A member's request to itself does not pass the hub, so its frame has no source. */
export const requestIn = (frame: Frame, fromId: MemberId, from: Address): Request => ({
  event: eventOf(frame),
  payload: payloadOf(frame),
  from,
  id: idOf(frame),
  fromId,
  deadline: deadlineOf(frame),
});

export const taskIn = (frame: Frame): Task => ({
  event: eventOf(frame),
  payload: payloadOf(frame),
  from: sourceSlotOf(frame),
  id: idOf(frame),
  key: keyOf(frame) || undefined,
  attempt: attemptOf(frame),
  deadline: deadlineOf(frame),
  fromId: sourceOf(frame),
});

export const answerIn = (frame: Frame): Answer => ({
  outcome: outcomeOf(frame),
  payload: payloadOf(frame),
  slot: sourceSlotOf(frame),
});
