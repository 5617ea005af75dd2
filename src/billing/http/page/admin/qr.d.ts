// The server sends uqr's module under this name.
export { encode } from "uqr";
