/** Adds a synchronous function to the environment. The CEL library treats every other function as possibly asynchronous. */
export type Define = (signature: string, handler: (...args: never[]) => unknown) => void;
