/** The page load and the page now shown: their identity, their address, their views. */

import { bound, pick } from "./bounds";
import { checkLink } from "./choice";
import { settings } from "./config";
import { guarded, isStopped, listen } from "./guard";
import { put } from "./queue";
import type { Load } from "./queue";
import type { Details, Event, EventType } from "./wire";

const URL_UNITS = 2_048;
const TITLE_UNITS = 300;
const PURPOSE = /^[a-z][a-z0-9_]*$/;
/** Long enough for a router to set the new page's title, and still before the batch is sent. */
const TITLE_AFTER_MS = 300;

/** Fields that are undefined are not sent. */
type Given = { [Field in keyof Details]: Details[Field] | undefined };

/** Replaced, never changed: events that wait keep the one under which they happened. */
let load = {} as Load;
let seq: number;
let url: string;

/** Queues an event of the page now shown, with the next number of its page load. */
export function record(type: EventType, details: Given): Event {
  const event = { type, seq: seq++, url, ...details } as Event;
  put(load, event);
  return event;
}

/** Opens a page load: a fresh random id, known to this page's memory only, and its first view. */
export function startPageLoad(): void {
  // Four of the bits of each byte: 64 in all.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const id = Array.from(bytes, (byte) => (byte % 16).toString(16)).join("");
  load = { ...load, page_load_id: id };
  seq = 0;
  url = address();
  // Never the full referrer: its path and query belong to another page, often another site.
  const referrer = document.referrer.replace(/([^:/]\/).*/, "$1");
  record("page_view", { referrer: referrer || undefined, title: title() });
}

/** Says so with every event from now on; what happened before is sent as it was. */
export function setConsent(given: Record<string, unknown>): void {
  const consent = pick({ ...load.consent, ...given }, (value, purpose) =>
    PURPOSE.test(purpose) ? (value === "granted" ? value : "denied") : undefined,
  );
  load = { ...load, consent };
}

/** Reports a view when a script changes the address; `leave` hears of it while the old one holds. */
export function watchNavigation(leave: () => void): void {
  const check = guarded(() => {
    checkLink();
    const next = address();
    if (isStopped || next === url) return;
    leave();
    const referrer = url.replace(/[?#].*/, "");
    url = next;
    const view = record("page_view", { referrer, title: title() });
    setTimeout(
      guarded(() => {
        if (url === next) view.title = title();
      }),
      TITLE_AFTER_MS,
    );
  });
  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name].bind(history) as (...args: unknown[]) => unknown;
    // What the page passes, gets back and sees thrown stays the browser's own.
    history[name] = (...args) => {
      try {
        // void to the browser, but not to every wrapper that came before this one.
        return original(...args);
      } finally {
        check();
      }
    };
  }
  listen("popstate hashchange", check);
}

/** The page's address without its fragment (unless that routes) and without any user name in it. */
function address(): string {
  const { origin, pathname, search, hash } = location;
  const route = "hash" in settings || /^#!?\//.test(hash) ? hash : "";
  return bound(origin + pathname + search + route, URL_UNITS);
}

function title(): string {
  return bound(document.title, TITLE_UNITS);
}
