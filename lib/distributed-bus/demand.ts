import type { Clock, Timer } from '../platform/clock.js';
import type { MemberId } from '../bus/bus.interface.js';
import { HEARTBEAT_INTERVAL, LOST_AFTER } from './membership.js';

/** How long members may take to answer, in ms: one that is silent for longer is lost. */
const ANSWER_TIME = LOST_AFTER + HEARTBEAT_INTERVAL;

/** How long a member's answer that it serves an event counts, in ms. */
const COUNTS_FOR = 10_000;

/** How long a member takes tasks from the queue of an event after it was last asked, in ms. */
export const DEMAND_KEPT = 60_000;

/** One event, and the members whose answer is still to come. */
interface Question {
  readonly answer: Promise<boolean>;
  readonly settle: (isServed: boolean) => void;
  readonly asked: Set<MemberId>;
  isAnswered: boolean;
  end: Timer;
}

/**
 * Finds out whether some member serves an event that no member lists. Listeners by call may have any number of event
 * names, which come and go. They are not listed, and no member takes tasks from their queues until one is asked to.
 */
export class Demand {
  private readonly questions = new Map<string, Question>();

  constructor(
    private readonly clock: Clock,
    /** Asks all members, and all answer; each that serves the event takes tasks from its queue from then on. */
    private readonly ask: (event: string) => void,
  ) {}

  /** @param members the members that may serve it */
  isServed(event: string, members: Iterable<MemberId>): Promise<boolean> {
    const known = this.questions.get(event);
    if (known !== undefined) return known.answer;
    let settle!: Question['settle'];
    const answer = new Promise<boolean>((resolve) => (settle = resolve));
    const question = { answer, settle, asked: new Set(members), isAnswered: false, end: this.denyLater(event) };
    this.questions.set(event, question);
    this.ask(event);
    return answer;
  }

  /** A member says whether it serves the event. */
  answered(event: string, member: MemberId, isServed: boolean): void {
    const question = this.questions.get(event);
    if (question === undefined) return;
    if (isServed) {
      question.isAnswered = true;
      question.end.cancel();
      question.end = this.clock.after(COUNTS_FOR, () => this.questions.delete(event), false);
      question.settle(true);
    } else if (!question.isAnswered && question.asked.delete(member) && question.asked.size === 0) this.denied(event);
  }

  /** Forgets a positive answer, which may no longer be true. */
  forget(event: string): void {
    const question = this.questions.get(event);
    if (!question?.isAnswered) return;
    question.end.cancel();
    this.questions.delete(event);
  }

  /** The broker was away, and questions or answers may be lost: asks again. */
  reconnected(): void {
    for (const [event, question] of this.questions) {
      if (question.isAnswered) continue;
      question.end.cancel();
      question.end = this.denyLater(event);
      this.ask(event);
    }
  }

  private denyLater(event: string): Timer {
    return this.clock.after(ANSWER_TIME, () => this.denied(event), false);
  }

  /** No member serves the event. A later call asks again. */
  private denied(event: string): void {
    const question = this.questions.get(event);
    this.questions.delete(event);
    question?.end.cancel();
    question?.settle(false);
  }
}
