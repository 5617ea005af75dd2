import { RequestError } from "../../errors.ts";
import { ERROR_PAGE_HEADERS, ERROR_PAGE_PATH, readErrorPage } from "../error-page.ts";
import { type Answer, type Operation, operation } from "../operation.ts";

/** What a problem's `type` leads to, for the person who reads it. */
export function errorOperations(): Operation[] {
  let page: string | undefined;
  return [
    operation({
      id: "readErrors",
      method: "get",
      path: ERROR_PAGE_PATH,
      summary: "A page with an entry for each problem: what it means, and what to do",
      access: "anyone",
      answers: { 200: "text/html" },
      raises: ["not_found"],
      async handle(): Promise<Answer> {
        page ??= readErrorPage();
        if (page === undefined) throw new RequestError("not_found", "this image has no page about errors");
        return {
          kind: "text",
          status: 200,
          contentType: "text/html; charset=utf-8",
          text: page,
          headers: ERROR_PAGE_HEADERS,
        };
      },
    }),
  ];
}
