import type { Branding } from "../../branding.ts";
import { RequestError } from "../../errors.ts";
import { isKnown, TAG } from "../entity-tag.ts";
import type { Answer, Operation, OperationRequest } from "../operation.ts";
import { operation } from "../operation.ts";
import { type AdminSignIn, createAdminPage } from "../page/admin-page.ts";
import { chooseLanguage } from "../page/language.ts";

const YEAR_S = 31_536_000;

/** The administrators' page and its parts. They contain no data: the API decides who may see what. */
export function adminPageOperations(deps: {
  branding: () => Branding;
  sovereignFqdn: string;
  currency: string;
  signIn?: AdminSignIn | undefined;
}): Operation[] {
  const { branding, sovereignFqdn, currency, signIn } = deps;
  const { page, assets } = createAdminPage({ sovereignFqdn, currency, signIn });

  const part = (
    contentType: "text/css" | "text/javascript",
    find: (version: string, file: string) => string | undefined,
  ) => {
    return async ({ params, headers }: OperationRequest<unknown>): Promise<Answer> => {
      const { version = "", file = "" } = params;
      const text = find(version, file);
      if (text === undefined) {
        throw new RequestError("not_found", "this release has no such file of /admin: load /admin again");
      }
      const caching = { "Cache-Control": `public, max-age=${YEAR_S}, immutable`, ETag: `"${version}"` };
      return isKnown(headers, caching.ETag)
        ? { kind: "empty", status: 304, headers: caching }
        : { kind: "text", status: 200, contentType: `${contentType}; charset=utf-8`, text, headers: caching };
    };
  };

  return [
    operation({
      id: "adminPage",
      method: "get",
      path: "/admin",
      summary: "A page for administrators: vouchers, redemptions, balances and orders",
      access: "anyone",
      query: {
        lang: { type: "string", description: "`en` or `ar`. When it is left out, Accept-Language decides." },
      },
      answers: { 200: "text/html", 304: [] },
      answerHeaders: TAG,
      async handle({ query, headers }): Promise<Answer> {
        const language = chooseLanguage(query.lang, headers["accept-language"]);
        const { html, etag, headers: own } = page(language, branding());
        const all = { ...own, ETag: etag };
        return isKnown(headers, etag)
          ? { kind: "empty", status: 304, headers: all }
          : { kind: "text", status: 200, contentType: "text/html; charset=utf-8", text: html, headers: all };
      },
    }),
    operation({
      id: "adminPageStyle",
      method: "get",
      path: "/admin/style/{version}/admin.css",
      summary: "The style sheet of the administrators' page",
      access: "anyone",
      answers: { 200: "text/css", 304: [] },
      answerHeaders: TAG,
      raises: ["not_found"],
      handle: part("text/css", (version) => assets.style(version)),
    }),
    operation({
      id: "adminPageScript",
      method: "get",
      path: "/admin/script/{version}/{file}",
      summary: "A script module of the administrators' page",
      access: "anyone",
      answers: { 200: "text/javascript", 304: [] },
      answerHeaders: TAG,
      raises: ["not_found"],
      handle: part("text/javascript", (version, file) => assets.module(version, file)),
    }),
  ];
}
