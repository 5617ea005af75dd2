/** Returns a signal that fires when the reader of the output closes it, as `| head` does. */
export function outputClosed(out: NodeJS.WritableStream): AbortSignal {
  const closed = new AbortController();
  // The listener stays registered: later writes fail too, and an unhandled error would end this process before its children.
  out.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE" && error.code !== "ERR_STREAM_DESTROYED") throw error;
    closed.abort(error);
  });
  return closed.signal;
}
