import type { Address, Answer, MemberId, Publication, Request, Task } from '../bus.interface.js';
import { type Frame } from './frame.js';
export declare const publicationIn: (frame: Frame) => Publication;
/** A member's request to itself never passed the hub, so its source is not on the frame. */
export declare const requestIn: (frame: Frame, fromId: MemberId, from: Address) => Request;
export declare const taskIn: (frame: Frame) => Task;
export declare const answerIn: (frame: Frame) => Answer;
