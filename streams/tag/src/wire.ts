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
  link?: string;
  form_name?: string;
  name?: string;
  properties?: Record<string, string | number | boolean>;
}

export type EventType =
  | "page_view"
  | "click"
  | "engagement"
  | "page_end"
  | "outbound"
  | "download"
  | "form_submit"
  | "custom";

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
  /** The class of the keyboard's layout; "" where the browser does not tell it. */
  keyboard?: string;
  /** The browser's word that a program drives it. */
  webdriver?: boolean;
  gpc?: boolean;
  dnt?: boolean;
  /** What `hmara.consent({...})` was told. */
  consent?: Record<string, "granted" | "denied">;
  events: (Event & { age_ms: number })[];
}
