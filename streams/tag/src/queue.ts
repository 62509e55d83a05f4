/** Holds events until the collector has them: when to send, what to send again, what to let go. */

import { site } from "./config";
import { guarded, listen } from "./guard";
import { send } from "./transport";
import type { Body, Event } from "./wire";

const QUEUE_EVENTS = 200;
const BATCH_EVENTS = 20;
const DELAY_MS = 1_000;
const LONGEST_BACKOFF_MS = 60_000;
const OLDEST_MS = 12 * 3_600_000;
/** A body of so many UTF-16 units is below the collector's 64 KiB whatever its characters are. */
const BODY_UNITS = 20_000;

/**
 * An event, its page load and when it happened, by the wall clock: that goes on while a laptop
 * sleeps with events unsent, a page's own clock may not. A tuple, since names would cost bytes.
 */
type Pending = [pageLoadId: string, happenedAt: number, event: Event];

/** Read once: a page being torn down may already answer with the browser's default. */
const { language } = navigator;

let queue: Pending[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;
let sending = 0;
let failures = 0;

/** Takes `event` over: sent within a second, with others, or when the page is left. */
export function put(pageLoadId: string, event: Event): void {
  queue.push([pageLoadId, Date.now(), event]);
  keepNewest();
  schedule();
}

/** Sends the next batch, or with `leaving` all there is, since there may be no later. */
export function flush(leaving = false): void {
  clearTimeout(timer);
  timer = undefined;
  // One request at a time keeps the order, and a slow collector from being asked more and more.
  if (sending && !leaving) return;
  while (queue.length) {
    const [batch, body] = takeBatch();
    sending++;
    void send(body, leaving)
      .catch(() => false)
      .then((isDone) => {
        // Later, not now: as a page is left its requests seem to fail, though they outlive it.
        // There is no later for that page, so their events are not sent a second time.
        setTimeout(
          guarded(() => {
            settle(batch, isDone);
          }),
        );
      });
    if (!leaving) break;
  }
}

function settle(batch: Pending[], isDone: boolean): void {
  sending--;
  failures = isDone ? 0 : failures + 1;
  if (!isDone) {
    queue = batch.concat(queue);
    keepNewest();
    clearTimeout(timer);
    timer = undefined;
  }
  schedule();
}

/** Sends what waits as soon as the device is connected again. */
export function startQueue(): void {
  listen(window, "online", () => {
    failures = 0;
    flush();
  });
}

function schedule(): void {
  if (!failures && queue.length >= BATCH_EVENTS) flush();
  else if (queue.length) timer ??= setTimeout(guarded(flush), failures ? backoffMs() : DELAY_MS);
}

/** Doubles with every failure; the jitter keeps many pages from returning at the same moment. */
function backoffMs(): number {
  const longest = Math.min(LONGEST_BACKOFF_MS, DELAY_MS * 2 ** failures);
  return longest * (0.5 + Math.random() / 2);
}

function keepNewest(): void {
  queue = queue.slice(-QUEUE_EVENTS);
}

/** Removes what fits into one request: events of one page load, oldest first. */
function takeBatch(): [Pending[], string] {
  const [[pageLoadId]] = queue as [Pending];
  const batch = queue.slice(0, BATCH_EVENTS).filter((pending) => pending[0] === pageLoadId);
  let body: string;
  while ((body = toBody(pageLoadId, batch)).length > BODY_UNITS && batch.length > 1) batch.pop();
  queue = queue.filter((pending) => !batch.includes(pending));
  return [batch, body];
}

function toBody(pageLoadId: string, batch: Pending[]): string {
  const sentAt = Date.now();
  const body: Body = {
    site,
    page_load_id: pageLoadId,
    language,
    screen: [screen.width, screen.height],
    viewport: [innerWidth, innerHeight],
    events: batch.map(([, happenedAt, event]) => ({
      ...event,
      // A clock that was set back must not make an event that has not happened yet, nor a night
      // of sleep one that is older than the collector believes.
      age_ms: Math.min(Math.max(0, sentAt - happenedAt), OLDEST_MS),
    })),
  };
  return JSON.stringify(body);
}
