/** Text as HTML, in content and in quoted attributes alike. Everything that is not written in this program goes through it. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A value as JSON inside a `<script type="application/json">`, where `<` could end the element or open a comment. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replace(/</g, "\\u003c");
}
