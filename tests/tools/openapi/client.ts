// A client of the API, typed by what openapi-typescript makes of the description (api.d.ts). That
// it compiles is the test; it is run, too: node client.js URL TOKEN.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Group = components["schemas"]["Group"];
declare const process: { argv: string[] };

const [baseUrl, token] = process.argv.slice(2);
const api = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });

function must<T>(answer: { data?: T; error?: { detail: string } }): T {
  if (answer.data === undefined) throw new Error(answer.error?.detail ?? "no answer");
  return answer.data;
}

async function allGroups(): Promise<Group[]> {
  const groups: Group[] = [];
  let after = "";
  do {
    const query = { limit: 1, after };
    const page = must(await api.GET("/api/v1/groups", { params: { query } }));
    groups.push(...page.items);
    after = page.next;
  } while (after);
  return groups;
}

const put = async (id: string, body: Group) =>
  must(await api.PUT("/api/v1/groups/{id}", { params: { path: { id } }, body }));

const stored = await put("typed", { profile: "web", selector: { client: "typed" } });
const id: string | undefined = stored.id;
console.log(id, (await allGroups()).map((group) => group.id).join(" "));

// @ts-expect-error: a group has a profile
const noProfile: Group = { selector: {} };
// @ts-expect-error: nothing is served there
const noPath = () => api.GET("/api/v1/nothing");
// @ts-expect-error: a role is one of three
const noRole: components["schemas"]["NewToken"] = { name: "x", role: "root" };
void [noProfile, noPath, noRole];
