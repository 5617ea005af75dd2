/**
 * Calls that arrive while the same work is in flight share its promise, result or error. Nothing is kept afterwards: the
 * next call starts the work again. Calls with the same `keyOf` share work. Without `keyOf`, all calls do.
 */
export function createSingleFlight<Arguments extends unknown[], Value>(
  work: (...args: Arguments) => Promise<Value>,
  keyOf: (...args: Arguments) => string = () => "",
): (...args: Arguments) => Promise<Value> {
  const flights = new Map<string, Promise<Value>>();
  return (...args) => {
    const key = keyOf(...args);
    const current = flights.get(key);
    if (current !== undefined) return current;
    const flight = Promise.try(work, ...args).finally(() => flights.delete(key));
    flights.set(key, flight);
    return flight;
  };
}
