/** Holds events until the collector has them: when to send, what to send again, what to let go. */

import { clamp } from "./bounds";
import { told } from "./browser";
import { settings } from "./config";
import { guarded, listen } from "./guard";
import { send } from "./transport";
import type { Body, Event } from "./wire";

const QUEUE_EVENTS = 200;
const BATCH_EVENTS = 20;
const WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
const OLDEST_MS = 12 * 3_600_000;
/** A body of so many UTF-16 units is below the collector's 64 KiB whatever its characters are. */
const BODY_UNITS = 20_000;

/** What all events of a batch have in common: their page load, and what was consented to then. */
export interface Load {
  page_load_id: string;
  consent?: Body["consent"] | undefined;
}

/**
 * An event, its page load and when it happened, by the wall clock: that goes on while a laptop
 * sleeps with events unsent, a page's own clock may not. A tuple, since names would cost bytes.
 */
type Pending = [load: Load, happenedAt: number, event: Event];

let queue: Pending[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;
let sending = 0;
let failures = 0;

/** Takes `event` over: sent within a second, with others, or when the page is left. */
export function put(load: Load, event: Event): void {
  queue.push([load, Date.now(), event]);
  schedule();
}

/** Lets go of all that waits. */
export function forget(): void {
  queue = [];
}

/** Sends the next batch, or with `leaving` all there is, since there may be no later. */
export function flush(leaving = false): void {
  stopTimer();
  // One request at a time keeps the order, and a slow collector from being asked more and more.
  while (queue.length && (leaving || !sending)) {
    // What fits into one request: events of one page load and one consent, oldest first.
    const [[load]] = queue as [Pending];
    const batch = queue.slice(0, BATCH_EVENTS).filter((pending) => pending[0] === load);
    let body: string;
    while ((body = toBody(load, batch)).length > BODY_UNITS && batch.length > 1) batch.pop();
    queue = queue.filter((pending) => !batch.includes(pending));
    void send(body).then((isDone) => {
      // Later, not now: as a page is left its requests seem to fail, though they outlive it.
      // There is no later for that page, so their events are not sent a second time.
      setTimeout(
        guarded(() => {
          sending--;
          failures = isDone ? 0 : failures + 1;
          if (!isDone) queue = batch.concat(queue);
          stopTimer();
          schedule();
        }),
      );
    });
    sending++;
  }
}

/** Sends what waits as soon as the device is connected again. */
export function watchConnection(): void {
  listen("online", () => {
    failures = 0;
    flush();
  });
}

/** Sees to it that what waits is sent, sooner or later; the wait doubles with every failure. */
function schedule(): void {
  queue = queue.slice(-QUEUE_EVENTS);
  // The jitter keeps many pages from returning at the same moment.
  const longest = clamp(WAIT_MS * 2 ** failures, LONGEST_WAIT_MS);
  timer ??= setTimeout(guarded(flush), longest * (1 - Math.random() / 2));
  if (!failures && queue.length >= BATCH_EVENTS) flush();
}

function stopTimer(): void {
  clearTimeout(timer);
  timer = undefined;
}

function toBody(load: Load, batch: Pending[]): string {
  return JSON.stringify({
    site: settings.site,
    ...load,
    ...told,
    screen: [screen.width, screen.height],
    viewport: [innerWidth, innerHeight],
    events: batch.map(([, happenedAt, event]) => ({
      ...event,
      // A clock that was set back must not make an event that has not happened yet, nor a night
      // of sleep one that is older than the collector believes.
      age_ms: clamp(Date.now() - happenedAt, OLDEST_MS),
    })),
  });
}
