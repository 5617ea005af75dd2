/** Fires when the reader of the output has closed it, as `| head` does. */
export function outputClosed(out: NodeJS.WritableStream): AbortSignal {
  const closed = new AbortController();
  // Stays registered: later writes fail as well, and without a listener they would end this process before its children.
  out.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE" && error.code !== "ERR_STREAM_DESTROYED") throw error;
    closed.abort(error);
  });
  return closed.signal;
}
