/**
 * `Bus.request` rejects with this when the request was never handed over: its receiver leaves, has left, or
 * takes nothing any more. It surely did not run; the caller may turn to the slot's next member.
 */
export class DeliveryRefused extends Error {
  override readonly name = 'DeliveryRefused';
}

/** The same of a member that was away when it was asked, and is taken for lost now: it may come back, and be asked again. */
export class MemberAway extends DeliveryRefused {}
