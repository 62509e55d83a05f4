/** The body of POST /v1/events, as the collector reads it. Types only: costs no byte. */

/** What belongs to one kind of event; `page.ts` adds what all of them carry. */
export interface Details {
  referrer?: string | undefined;
  title?: string;
  target_role?: string;
  target_label?: string;
  x_permille?: number;
  y_permille?: number;
  engaged_ms?: number;
  scroll_permille?: number;
}

export type EventType = "page_view" | "click" | "engagement" | "page_end";

/** An event as it waits to be sent; its age is written when it is, since a retry makes it older. */
export interface Event extends Details {
  type: EventType;
  seq: number;
  url: string;
}

export interface Body {
  site: string;
  page_load_id: string;
  language: string;
  screen: [number, number];
  viewport: [number, number];
  events: (Event & { age_ms: number })[];
}
