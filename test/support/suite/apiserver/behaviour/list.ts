import { type Area, type Bench, behaviour, gadget, lease, outcome } from "../behaviour.ts";

type Named = { metadata: { name: string } };

const namesOf = (body: { items: Named[] }) => body.items.map(({ metadata }) => metadata.name).join(" ");

/** Five Leases, `a` to `e`. */
async function seed({ must, group }: Bench): Promise<string> {
  const path = `${group("coordination.k8s.io/v1")}/leases`;
  for (const name of ["c", "a", "e", "b", "d"]) {
    const labels = { name, vowel: String("ae".includes(name)), ...(name === "e" ? { last: "" } : {}) };
    await must("POST", path, lease(name, {}, { labels }));
  }
  return path;
}

/** The names that each of the queries selects. */
async function select(bench: Bench, queries: string[]): Promise<string[]> {
  const path = await seed(bench);
  const found: string[] = [];
  for (const query of queries) {
    const answer = await bench.send("GET", `${path}?${query}`);
    found.push(answer.status === 200 ? namesOf(answer.body) : outcome(answer));
  }
  return found;
}

const label = (selector: string) => `labelSelector=${encodeURIComponent(selector)}`;
const field = (selector: string) => `fieldSelector=${encodeURIComponent(selector)}`;

export const listArea: Area = {
  title: "Lists, pages and selectors",
  behaviours: [
    behaviour(
      "lists by name, with the kind of the list and its resourceVersion",
      async (bench) => {
        const body = await bench.must("GET", await seed(bench));
        const { kind, apiVersion, metadata } = body;
        return [namesOf(body), kind, apiVersion, /^\d+$/.test(metadata.resourceVersion)];
      },
      ["a b c d e", "LeaseList", "coordination.k8s.io/v1", true],
    ),
    behaviour(
      "leaves kind and version out of the items of a built-in list, and in those of a custom one",
      async (bench) => {
        const { items } = await bench.must("GET", await seed(bench));
        await bench.must("POST", bench.gadgets, gadget("one"));
        const custom = await bench.must("GET", bench.gadgets);
        return [items[0].kind, custom.items[0].kind, custom.items[0].apiVersion];
      },
      [undefined, "Gadget", "conformance.example.org/v1"],
    ),
    behaviour(
      "answers an empty list as a list",
      async ({ must, group }) => (await must("GET", `${group("coordination.k8s.io/v1")}/leases`)).items,
      [],
    ),
    behaviour(
      "pages a list, and counts what remains",
      async (bench) => {
        const path = await seed(bench);
        const pages: unknown[] = [];
        let token = "";
        do {
          const body = await bench.must("GET", `${path}?limit=2&continue=${encodeURIComponent(token)}`);
          token = body.metadata.continue ?? "";
          pages.push(namesOf(body), body.metadata.remainingItemCount ?? "none");
        } while (token !== "");
        return pages;
      },
      ["a b", 3, "c d", 1, "e", "none"],
    ),
    behaviour(
      "counts nothing that remains when a selector is given",
      async (bench) => {
        const body = await bench.must("GET", `${await seed(bench)}?limit=1&${label("vowel=true")}`);
        return [namesOf(body), typeof body.metadata.continue, body.metadata.remainingItemCount ?? "none"];
      },
      ["a", "string", "none"],
    ),
    behaviour(
      "shows on later pages the state of the first",
      async (bench) => {
        const path = await seed(bench);
        const first = await bench.must("GET", `${path}?limit=2`);
        await bench.must("DELETE", `${path}/d`);
        await bench.must("POST", path, lease("f"));
        const token = encodeURIComponent(first.metadata.continue);
        const second = await bench.must("GET", `${path}?limit=5&continue=${token}`);
        return [
          namesOf(second),
          second.metadata.resourceVersion === first.metadata.resourceVersion,
          namesOf(await bench.must("GET", path)),
        ];
      },
      ["c d e", true, "a b c e f"],
    ),
    behaviour(
      "refuses an invalid continue token",
      async ({ send, core }) => outcome(await send("GET", `${core}/configmaps?limit=1&continue=nonsense`)),
      "400 BadRequest",
    ),
    behaviour(
      "refuses a continue token together with a resourceVersion",
      async (bench) => {
        const path = await seed(bench);
        const { metadata } = await bench.must("GET", `${path}?limit=1`);
        const token = encodeURIComponent(metadata.continue);
        return outcome(await bench.send("GET", `${path}?limit=1&resourceVersion=1&continue=${token}`));
      },
      "400 BadRequest",
    ),
    behaviour(
      "refuses a limit that is not a number",
      async ({ send, core }) => outcome(await send("GET", `${core}/configmaps?limit=many`)),
      "400 BadRequest",
    ),
    behaviour(
      "lists the exact state of an earlier resourceVersion",
      async (bench) => {
        const path = await seed(bench);
        const { metadata } = await bench.must("GET", `${path}?limit=1`);
        await bench.must("DELETE", `${path}/a`);
        const exact = `resourceVersion=${metadata.resourceVersion}&resourceVersionMatch=Exact`;
        const body = await bench.must("GET", `${path}?${exact}`);
        return [namesOf(body), body.metadata.resourceVersion === metadata.resourceVersion];
      },
      ["a b c d e", true],
    ),
    behaviour(
      "lists at least the state of a resourceVersion",
      async (bench) => {
        const path = await seed(bench);
        const { metadata } = await bench.must("DELETE", `${path}/a`).then(() => bench.must("GET", path));
        const since = `resourceVersion=${metadata.resourceVersion}`;
        return [
          namesOf(await bench.must("GET", `${path}?${since}`)),
          namesOf(await bench.must("GET", `${path}?${since}&resourceVersionMatch=NotOlderThan`)),
        ];
      },
      ["b c d e", "b c d e"],
    ),
    behaviour(
      "asks to retry for a resourceVersion from the future",
      async (bench) => {
        const path = await seed(bench);
        const answer = await bench.send("GET", `${path}?resourceVersion=999999999`);
        return [outcome(answer), answer.body.details.retryAfterSeconds, answer.headers["retry-after"]];
      },
      ["504 Timeout [ResourceVersionTooLarge]", 1, "1"],
    ),
    behaviour(
      "refuses a resourceVersion that is not a number",
      async ({ send, core }) => outcome(await send("GET", `${core}/configmaps?resourceVersion=new`)),
      "400 BadRequest",
    ),
    behaviour(
      "refuses a resourceVersionMatch that does not fit",
      async ({ send, core }) => [
        outcome(await send("GET", `${core}/configmaps?resourceVersionMatch=Exact`)),
        outcome(await send("GET", `${core}/configmaps?resourceVersion=0&resourceVersionMatch=Exact`)),
        outcome(await send("GET", `${core}/configmaps?resourceVersion=1&resourceVersionMatch=Newest`)),
      ],
      [
        "422 Invalid [resourceVersionMatch FieldValueForbidden]",
        "422 Invalid [resourceVersionMatch FieldValueForbidden]",
        "422 Invalid [resourceVersionMatch FieldValueNotSupported]",
      ],
    ),
    behaviour(
      "selects by labels",
      (bench) =>
        select(bench, [
          ...["name=a", "name==a", "name!=a", "name in (a,b)", "name notin (a,b)", "last", "!last"].map(
            label,
          ),
          ...["vowel=true,last", "last=", "absent!=x"].map(label),
        ]),
      ["a", "a", "b c d e", "a b", "c d e", "e", "a b c d", "e", "e", "a b c d e"],
    ),
    behaviour(
      "refuses an invalid label selector",
      (bench) => select(bench, ["name in a", "name=a b", "=a", "a b=c"].map(label)),
      Array(4).fill("400 BadRequest"),
    ),
    behaviour(
      "selects by name and namespace",
      async (bench) =>
        select(bench, [
          ...["metadata.name=a", "metadata.name!=a", `metadata.namespace=${bench.name}`].map(field),
          ...["metadata.namespace=other", `metadata.name=a,metadata.namespace=${bench.name}`].map(field),
        ]),
      ["a", "b c d e", "a b c d e", "", "a"],
    ),
    behaviour(
      "refuses a field selector of a field that it does not index",
      (bench) => select(bench, ["spec.holderIdentity=a", "metadata.uid=a", "metadata.name"].map(field)),
      Array(3).fill("400 BadRequest"),
    ),
    behaviour(
      "selects Secrets by type",
      async ({ must, core }) => {
        await must("POST", `${core}/secrets`, { metadata: { name: "a" }, type: "example.org/a" });
        await must("POST", `${core}/secrets`, { metadata: { name: "b" }, type: "example.org/b" });
        return namesOf(await must("GET", `${core}/secrets?${field("type=example.org/a")}`));
      },
      "a",
    ),
    behaviour(
      "selects custom objects by the fields that their definition names, and by no other",
      async ({ must, send, gadgets }) => {
        await must("POST", gadgets, gadget("a", { colour: "red" }));
        await must("POST", gadgets, gadget("b"));
        return [
          namesOf(await must("GET", `${gadgets}?${field("spec.colour=red")}`)),
          namesOf(await must("GET", `${gadgets}?${field("spec.colour!=red")}`)),
          outcome(await send("GET", `${gadgets}?${field("spec.size=1")}`)),
        ];
      },
      ["a", "b", "400 BadRequest"],
    ),
    behaviour(
      "lists across namespaces",
      async ({ must, gadgets, name }) => {
        await must("POST", gadgets, gadget("a", {}, { labels: { from: name } }));
        const all = await must("GET", `/apis/conformance.example.org/v1/gadgets?${label(`from=${name}`)}`);
        return all.items.map(
          ({ metadata }: { metadata: { namespace: string } }) => metadata.namespace === name,
        );
      },
      [true],
    ),
    behaviour(
      "answers the metadata alone when asked",
      async (bench) => {
        const path = await seed(bench);
        const accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
        const { body } = await bench.send("GET", `${path}?limit=1`, undefined, { accept });
        const { kind, apiVersion, items } = body;
        return [kind, apiVersion, Object.keys(items[0]).sort(), items[0].kind];
      },
      [
        "PartialObjectMetadataList",
        "meta.k8s.io/v1",
        ["apiVersion", "kind", "metadata"],
        "PartialObjectMetadata",
      ],
    ),
  ],
};
