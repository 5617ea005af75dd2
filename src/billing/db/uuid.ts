/** The ids of orders, customers and bulk issues. */
export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The spelling that the service writes. A cursor with another spelling was not made by the service. */
export const WRITTEN_UUID = new RegExp(UUID.source);
