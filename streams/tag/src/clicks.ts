/** Clicks: what kind of thing was clicked, what it is called, and where on the page it was. */

import { listen } from "./guard";
import { bound, record, toPermille } from "./page";
import type { Details } from "./wire";

const LABEL_UNITS = 80;

/** Which elements a person operates, the first match counting; `label` only leads to one. */
const SELECTORS: [role: string, selector: string][] = [
  ["link", ":any-link"],
  ["button", "button,summary,[type=button],[type=submit],[type=reset],[type=image],[type=file]"],
  ["checkbox", "[type=checkbox]"],
  ["radio", "[type=radio]"],
  ["slider", "[type=range]"],
  ["combobox", "select"],
  ["textbox", "input,textarea,[contenteditable]"],
  ["label", "label"],
];

/** Roles an author may give to any element to make it one of those. */
const WIDGET = /^(button|link|tab|menuitem|checkbox|radio|switch|option|slider|(combo|text)box)$/;
/** Among them those whose text is written by the author. Any other text may be the visitor's. */
const NAMED_BY_TEXT = /^(button|link|tab|menuitem)$/;

/** Reports every click of the person; clicks that a script makes are not the person's. */
export function watchClicks(): void {
  listen(document, "click", (event) => {
    if (!event.isTrusted) return;
    let details: Details = {};
    // The path, not the target: it also reaches into open shadow trees.
    for (const node of event.composedPath()) {
      const role = node instanceof Element && roleOf(node);
      if (!role) continue;
      // A label passes its click on to its control, and that click is reported.
      if (role === "label") return;
      details = { target_role: role, ...labelOf(node, role) };
      break;
    }
    record("click", { ...details, ...positionOf(event as MouseEvent) });
  });
}

function roleOf(element: Element): string | undefined {
  const given = element.getAttribute("role") ?? "";
  return WIDGET.test(given)
    ? given
    : SELECTORS.find(([, selector]) => element.matches(selector))?.[0];
}

/** Never an input's value: what a visitor may have typed is not read at all. */
function labelOf(element: Element, role: string): Details {
  const isWritten =
    NAMED_BY_TEXT.test(role) &&
    !(element as HTMLElement).isContentEditable &&
    !element.querySelector("input,select,textarea,[contenteditable]");
  const text = element.getAttribute("aria-label") ?? (isWritten ? element.textContent : "");
  const label = bound(text.replace(/\s+/g, " ").trim(), LABEL_UNITS);
  return label ? { target_label: label } : {};
}

/** Where on the whole page, in thousandths; nowhere for a click made with the keyboard. */
function positionOf({ detail, pageX, pageY }: MouseEvent): Details {
  if (!detail) return {};
  const { scrollWidth, scrollHeight } = document.documentElement;
  return {
    x_permille: toPermille(pageX, scrollWidth),
    y_permille: toPermille(pageY, scrollHeight),
  };
}
