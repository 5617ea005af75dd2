/** A member of an object, itself an object or a list. Its path is built only where it is needed. */
export interface Member {
  value: object;
  /** The member's name, or its index in a list. Empty for the object itself. */
  name: string | number;
  depth: number;
  parent: Member | undefined;
}

export const rootMember = (value: object): Member => ({ value, name: "", depth: 0, parent: undefined });

/** `spec.containers[0]`; empty for the object itself. */
export function pathOfMember({ name, parent }: Member): string {
  if (parent === undefined) return "";
  const before = pathOfMember(parent);
  if (Array.isArray(parent.value)) return `${before}[${name}]`;
  return before === "" ? String(name) : `${before}.${name}`;
}
