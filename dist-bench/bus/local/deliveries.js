import { attemptOf, deadlineOf, eventOf, idOf, keyOf, outcomeOf, payloadOf, sourceSlotOf, } from './frame.js';
/* What the frames a member receives say, in the terms of the Bus contract. */
export const publicationIn = (frame) => ({
    event: eventOf(frame),
    payload: payloadOf(frame),
    from: sourceSlotOf(frame),
    id: idOf(frame),
});
/** A member's request to itself never passed the hub, so its source is not on the frame. */
export const requestIn = (frame, fromId, from) => ({
    event: eventOf(frame),
    payload: payloadOf(frame),
    from,
    id: idOf(frame),
    fromId,
    deadline: deadlineOf(frame),
});
export const taskIn = (frame) => ({
    event: eventOf(frame),
    payload: payloadOf(frame),
    from: sourceSlotOf(frame),
    id: idOf(frame),
    key: keyOf(frame) || undefined,
    attempt: attemptOf(frame),
    deadline: deadlineOf(frame),
});
export const answerIn = (frame) => ({
    outcome: outcomeOf(frame),
    payload: payloadOf(frame),
    slot: sourceSlotOf(frame),
});
//# sourceMappingURL=deliveries.js.map