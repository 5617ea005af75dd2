import { ERROR_PAGE_HEADERS, ERROR_PAGE_PATH, renderErrorPage } from "../error-page.ts";
import { type Answer, type Operation, operation } from "../operation.ts";

/** The page that a problem's `type` refers to. */
export function errorOperations(): Operation[] {
  const text = renderErrorPage();
  return [
    operation({
      id: "readErrors",
      method: "get",
      path: ERROR_PAGE_PATH,
      summary: "A page that explains each error code",
      access: "anyone",
      answers: { 200: "text/html" },
      handle: async (): Promise<Answer> => ({
        kind: "text",
        status: 200,
        contentType: "text/html; charset=utf-8",
        text,
        headers: ERROR_PAGE_HEADERS,
      }),
    }),
  ];
}
