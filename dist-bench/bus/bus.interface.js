/** The primary's member number. */
export const PRIMARY_ID = 0;
//# sourceMappingURL=bus.interface.js.map