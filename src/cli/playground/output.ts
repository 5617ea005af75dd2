/** Fires when nobody reads the output any more (`| head`): there is no one to tell the story to. */
export function outputClosed(out: NodeJS.WritableStream): AbortSignal {
  const closed = new AbortController();
  // Stays for good: what is written on the way out fails as well, and must not end the process before its children.
  out.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE" && error.code !== "ERR_STREAM_DESTROYED") throw error;
    closed.abort(error);
  });
  return closed.signal;
}
