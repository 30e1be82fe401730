import type { Clock, Timer } from '../../platform/clock.js';
import type { MemberId } from '../../bus/bus.interface.js';

/**
 * How long members may take to answer before they are asked again, in ms: some return to the broker later than others.
 */
const ANSWER_TIME = 1_000;

/** A question to all members about one claim. */
interface Question {
  readonly answer: Promise<boolean | undefined>;
  readonly settle: (isHeld: boolean | undefined) => void;
  /** The members whose answer is still to come; undefined if it is not known which may run. */
  readonly asked: Set<MemberId> | undefined;
  readonly end: Timer;
}

/**
 * Finds out whether a member runs under a claim whose lease is free. A lease may end while the broker is away, or be
 * lost with the broker's memory, while its holder runs on.
 */
export class Holders {
  private readonly questions = new Map<string, Question>();

  constructor(
    private readonly clock: Clock,
    private readonly presence: {
      /** Whether the broker was silent or away a moment ago. */
      readonly isUnsettled: boolean;
      /** How long a silent member may still be alive, in ms. */
      readonly settlingTime: number;
      whoMayRun(): Set<MemberId> | undefined;
    },
    /** Asks all members, and each answers. */
    private readonly ask: (key: string) => void,
  ) {}

  /** Whether a free lease may have a holder, even for a caller that has not waited for one. */
  get areUncertain(): boolean {
    return this.presence.isUnsettled;
  }

  /**
   * Whether a member says that it runs under the claim. A member may be slow to answer, on a busy machine or while its
   * connection moves to another server. A member that was silent for the whole settling time does not run.
   */
  async isHeld(key: string): Promise<boolean> {
    const end = this.clock.now() + this.presence.settlingTime;
    for (;;) {
      const isHeld = await this.asked(key);
      if (isHeld !== undefined) return isHeld;
      if (this.clock.now() >= end && !this.presence.isUnsettled) return false;
    }
  }

  /** A member says whether it runs under the claim. */
  answered(key: string, member: MemberId, isHeld: boolean): void {
    const question = this.questions.get(key);
    if (question === undefined) return;
    if (isHeld) this.settle(key, question, true);
    else if (question.asked?.delete(member) && question.asked.size === 0) this.settle(key, question, false);
  }

  /** Asks once. @returns undefined if some members did not answer in time */
  private asked(key: string): Promise<boolean | undefined> {
    const known = this.questions.get(key);
    if (known !== undefined) return known.answer;
    let settle!: Question['settle'];
    const answer = new Promise<boolean | undefined>((resolve) => (settle = resolve));
    const end = this.clock.after(ANSWER_TIME, () => this.settle(key, question, undefined), false);
    const question: Question = { answer, settle, asked: this.presence.whoMayRun(), end };
    this.questions.set(key, question);
    this.ask(key);
    return answer;
  }

  private settle(key: string, question: Question, isHeld: boolean | undefined): void {
    question.end.cancel();
    this.questions.delete(key);
    question.settle(isHeld);
  }
}
