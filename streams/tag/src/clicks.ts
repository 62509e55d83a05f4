/** Clicks: what was clicked and where on the page it was, and where a link leads that goes away. */

import { bound, toName, toPermille } from "./bounds";
import { listen } from "./guard";
import { record } from "./page";

const LABEL_UNITS = 80;
const LINK_UNITS = 2_048;

/**
 * Roles of what a person operates, and `label`, which leads to one. Those of the inner group are
 * named by their text, since the author wrote it; any other text may be the visitor's.
 */
const WIDGET =
  /^((button|link|tab|menuitem)|checkbox|radio|switch|option|slider|combobox|textbox|label)$/;
/** Where a person enters something. */
const EDITED = "input,select,textarea,[contenteditable]";
/** What people keep, or open outside of the browser. */
const FILE =
  /\.(pdf|docx?|xlsx?|pptx?|od[tsp]|txt|csv|epub|zip|rar|7z|gz|dmg|exe|msi|apk|mp[34])$/i;

/** Reports every click of the person; clicks that a script makes are not the person's. */
export function watchClicks(): void {
  // The middle button opens a link too; for browsers that is no click.
  listen("click auxclick", (click: MouseEvent) => {
    if (!click.isTrusted || click.button > 1) return;
    // The path, not the target: it also reaches into open shadow trees.
    const path = click.composedPath() as HTMLElement[];
    const target = path.find(roleOf);
    const role = target && roleOf(target);
    // A label passes its click on to its control, and that click is reported.
    if (role === "label") return;
    const whole = document.documentElement;
    record("click", {
      target_role: role,
      target_label: target && role && labelOf(target, role),
      // In thousandths of the whole page; nowhere for a click made with the keyboard.
      ...(click.detail && {
        x_permille: toPermille(click.pageX, whole.scrollWidth),
        y_permille: toPermille(click.pageY, whole.scrollHeight),
      }),
    });
    const link = path.find(isLink) as HTMLAnchorElement | undefined;
    if (!link) return;
    const isFile = link.hasAttribute("download") || FILE.test(link.pathname);
    if (isFile || link.host !== location.host) {
      // Without query and fragment.
      const address = bound(link.origin + link.pathname, LINK_UNITS);
      record(isFile ? "download" : "outbound", { link: address });
    }
  });
}

/** What an element is to the person who operates it: as its author says, or as it is. */
function roleOf(element: HTMLElement): string | undefined {
  // The path also has the window, which is nothing of this.
  if (!element.localName) return undefined;
  // What sort of field or button; of anything else its name.
  const kind = (element as HTMLInputElement).type || element.localName;
  return (
    [element.getAttribute("role") as string, kind].find((role) => WIDGET.test(role)) ??
    (element.matches(":any-link")
      ? "link"
      : /^(submit|reset|image|file|summary)$/.test(kind)
        ? "button"
        : kind === "range"
          ? "slider"
          : /^select/.test(kind)
            ? "combobox"
            : element.matches(EDITED)
              ? "textbox"
              : undefined)
  );
}

/** Never an input's value: what a visitor may have typed is not read at all. */
function labelOf(element: HTMLElement, role: string): string | undefined {
  const isWritten =
    WIDGET.exec(role)?.[2] && !element.isContentEditable && !element.querySelector(EDITED);
  return toName(
    element.getAttribute("aria-label") ?? (isWritten && element.textContent),
    LABEL_UNITS,
  );
}

/**
 * Of pages and files only: an address of a person (`mailto:`, `tel:`) is none. What is being edited
 * is the visitor's own, and is not followed.
 */
function isLink(element: HTMLElement): boolean {
  return /^http/.test((element as HTMLAnchorElement).protocol) && !element.isContentEditable;
}
