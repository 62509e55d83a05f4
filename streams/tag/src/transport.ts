/** One request to the collector: which transport carries it, and whether it may be forgotten. */

import { endpointUrl } from "./config";

/** What browsers allow to be under way at once in requests that outlive their page. */
const KEEPALIVE_QUOTA_BYTES = 65_536;
const ANSWER_WITHIN_MS = 30_000;

let keptAliveBytes = 0;

/**
 * Sends `body` and says whether it is done with: taken, or refused for good (4xx). False means
 * that the same events may be sent again. With `leaving` the page may be gone before the answer.
 */
export async function send(body: string, leaving: boolean): Promise<boolean> {
  const bytes = new Blob([body]).size;
  // Counted here, because a browser refuses what exceeds the quota only later, when a page that
  // is being left can no longer turn to sendBeacon.
  const keepalive =
    "keepalive" in Request.prototype && keptAliveBytes + bytes <= KEEPALIVE_QUOTA_BYTES;
  if (leaving && !keepalive) return navigator.sendBeacon(endpointUrl, body);

  let answer: Promise<Response>;
  try {
    // A string body goes as text/plain;charset=UTF-8, which needs no preflight request.
    answer = fetch(endpointUrl, {
      method: "POST",
      body,
      keepalive,
      credentials: "omit",
      referrerPolicy: "origin",
      // Ends a request that hangs, since the queue behind it waits for its answer. A browser that
      // cannot (before 2022) throws here, and its events go by beacon.
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
  } catch {
    return navigator.sendBeacon(endpointUrl, body);
  }
  if (keepalive) keptAliveBytes += bytes;
  try {
    const { status } = await answer;
    return status < 500 && status !== 429;
  } catch {
    return false;
  } finally {
    if (keepalive) keptAliveBytes -= bytes;
  }
}
