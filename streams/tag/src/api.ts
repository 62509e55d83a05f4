/** `window.hmara`: what the page's own scripts may tell the tag, before and after it has loaded. */

import { bound, pick } from "./bounds";
import { optOut } from "./choice";
import { guarded } from "./guard";
import { record, setConsent } from "./page";

const NAME_UNITS = 100;
const PROPERTY_UNITS = 200;
const KEPT_CALLS = 100;

type Call = Iterable<unknown>;

/** An array, or one that a tag which has loaded put its own `push` before. */
type Calls = Pick<Call[], "forEach" | "pop"> & {
  /** Its new length, if it is the array. */
  push(call: Call): unknown;
};

type Api = Record<string, unknown> & {
  (...call: unknown[]): void;
  /** What was called so far, and, once a tag has loaded, who hears of the next call. */
  q?: Calls;
};

declare global {
  interface Window {
    hmara?: Api;
  }
}

let api: Api;

const VERBS = { event: recordCustom, consent: setConsent, optOut };

/** Makes sure that the page finds the function, whether or not it brought the queue's snippet. */
export function offerApi(): void {
  api = window.hmara ??= ((...call: unknown[]) => {
    (api.q as Calls).push(call);
  }) as Api;
  api.q ??= [];
  for (const verb in VERBS) {
    api[verb] = (...rest: unknown[]) => {
      api(verb, ...rest);
    };
  }
}

/** Answers what was called so far, and from now on each call at once. */
export function answerCalls(): void {
  const earlier = api.q as Calls;
  const answer = guarded(([verb, ...rest]: Call) => {
    (VERBS[verb as keyof typeof VERBS] as (...rest: unknown[]) => void)(...rest);
  });
  earlier.forEach(answer);
  // The function itself stays: a script that holds on to it goes on being heard. What was called
  // is kept, within bounds, for the tag of another site that loads later.
  api.q = {
    __proto__: earlier,
    push(call: Call) {
      if ((earlier.push(call) as number) > KEPT_CALLS) earlier.pop();
      answer(call);
    },
  } as unknown as Calls;
}

function recordCustom(given: string, values: Record<string, unknown> | undefined): void {
  const name = bound(given, NAME_UNITS);
  const properties = pick(values, (value) => {
    if (typeof value === "string") return bound(value, PROPERTY_UNITS);
    if (typeof value === "boolean" || Number.isFinite(value)) return value as boolean | number;
    return undefined;
  });
  if (name) record("custom", { name, properties });
}
