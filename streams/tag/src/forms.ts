/** Forms: that one was submitted, and what its author calls it. Nothing in it is looked at. */

import { toName } from "./bounds";
import { listen } from "./guard";
import { record } from "./page";

const NAME_UNITS = 100;

/** Reports each `submit` event, also of a form that the page's own script sends or holds back. */
export function watchForms(): void {
  listen("submit", ({ isTrusted, target: form }: SubmitEvent & { target: Element }) => {
    if (!isTrusted) return;
    // Attributes: `form.name` would be the field of that name.
    const name =
      form.getAttribute("name") || form.getAttribute("id") || form.getAttribute("aria-label");
    record("form_submit", { form_name: toName(name, NAME_UNITS) });
  });
}
