/**
 * `Bus.request` rejects with this when the request was never handed over: its receiver leaves, has left, or
 * takes nothing any more. It surely did not run; the caller may turn to the slot's next member.
 */
export declare class DeliveryRefused extends Error {
    readonly name = "DeliveryRefused";
}
