import { isThimbleError } from '@thimble/core';

/** Codes that say that something of thimble's own failed: no input may come to them. */
const FAULTS = /^ERR_(NEVER_FINISHED|UNEXPECTED|RUNTIME_RUN|DEVICE_CRASHED|DISPOSED)$/;
/** Codes that say where something failed, and of which the cause says what. */
const OF_PLACES = /^ERR_PLUGIN_(APPLY|HOOK)$/;

/** What `run` gives, as `{ value }`, or the code of its refusal. @throws whatever is no refusal */
export async function refusalOf(run, refuses = (error) => !FAULTS.test(error.code)) {
  try {
    return { value: await run() };
  } catch (error) {
    const reason = OF_PLACES.test(error?.code) ? error.cause : error;
    if (isThimbleError(reason) && refuses(reason)) return reason.code;
    throw error;
  }
}
