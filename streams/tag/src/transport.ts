/** One request to the collector, and whether its events may be forgotten after it. */

import { endpointUrl } from "./config";

const ANSWER_WITHIN_MS = 30_000;

/**
 * Sends `body` and says whether it is done with: taken, or refused for good (4xx). False means
 * that the same events may be sent again. Throws where the page has taken `fetch` away.
 *
 * No sendBeacon: it shares the browser's quota of 64 KiB with `keepalive`, sends the cookies of
 * the collector's host, and on a page with the referrer policy no-referrer a browser may leave out
 * the origin (Fetch, "append a request `Origin` header"), by which the collector knows a site.
 */
export function send(body: string): Promise<boolean> {
  // A string body goes as text/plain;charset=UTF-8, which needs no preflight request.
  return fetch(endpointUrl, {
    method: "POST",
    body,
    // Outlives the page.
    keepalive: true,
    credentials: "omit",
    referrerPolicy: "origin",
    // Ends a request that hangs, since the queue behind it waits for its answer. Browsers from
    // before 2022 do without.
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- absent in those
    signal: AbortSignal.timeout?.(ANSWER_WITHIN_MS),
  }).then(
    ({ status }) => status < 500 && status !== 429,
    () => false,
  );
}
