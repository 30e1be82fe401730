/**
 * `Bus.request` rejects with this when the request was never handed over: its receiver leaves, has left, or
 * takes nothing any more. It surely did not run; the caller may turn to the slot's next member.
 */
export class DeliveryRefused extends Error {
    name = 'DeliveryRefused';
}
//# sourceMappingURL=delivery-refused.js.map