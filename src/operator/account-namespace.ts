import { accountNamespaces, EVERY, subjectsOf } from "../admission/rules/account.ts";
import type { Franchise, Subject } from "../api/franchise.ts";
import type { KubernetesObject } from "../api/object.ts";
import type { Organization } from "../api/organization.ts";
import { DNS_LABEL } from "../api/schema.ts";
import type { Informer } from "../kube/informer.ts";

/** The namespaces with a ServiceAccount that acts for a Franchisee or an Organization. */
export interface AccountNamespaces {
  /** Sorted; `*` alone means all namespaces. */
  list(): readonly string[];
  /** Calls the handler when the list may have changed, until the signal fires. */
  onChange(handler: () => void, signal: AbortSignal): void;
}

/** With more names, the webhook covers all namespaces, because the API server compares each request with each name. */
const MAX_NAMES = 1_000;

const NAME = new RegExp(DNS_LABEL);
const isName = (namespace: string) => NAME.test(namespace) && namespace.length <= 63;

export function createAccountNamespaces({
  franchises,
  organizations,
}: {
  franchises: Informer<Franchise>;
  organizations: Informer<Organization>;
}): AccountNamespaces {
  function watch<T extends KubernetesObject>(
    informer: Informer<T>,
    subjects: (object: T) => Subject[],
    ...[handler, signal]: Parameters<AccountNamespaces["onChange"]>
  ): void {
    const textOf = (object: T) => accountNamespaces(subjects(object)).join();
    informer.onChange((event) => {
      const before = event.kind === "updated" ? textOf(event.previous) : "";
      if (textOf(event.object) !== before) handler();
    }, signal);
  }

  return {
    list() {
      const found = accountNamespaces([
        ...franchises.list().flatMap(({ spec }) => spec.subjects),
        ...organizations.list().flatMap(subjectsOf),
      ]);
      // The API server refuses the whole configuration when a value of the selector is not a valid name.
      const names = found.filter(isName).sort();
      return found.includes(EVERY) || names.length > MAX_NAMES ? [EVERY] : names;
    },
    onChange(handler, signal) {
      watch(franchises, ({ spec }) => spec.subjects, handler, signal);
      watch(organizations, subjectsOf, handler, signal);
    },
  };
}
