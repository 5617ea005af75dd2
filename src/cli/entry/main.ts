#!/usr/bin/env node
// This file is CommonJS without types, so that an old Node, which cannot read TypeScript, reads it and names the remedy.
// src/cli/main.ts is a link to this file. Node follows the link, so the package.json beside this file applies, which says
// CommonJS.

const NEEDED = "24.15";
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major < 24 || (major === 24 && minor < 15)) {
  const command = ["npm run catalyst --", ...process.argv.slice(2)].join(" ");
  process.stderr.write(
    `catalyst: needs Node ${NEEDED} or later, and this is ${process.versions.node}. npm ci installs Node 26 in node_modules. Use: ${command}\n`,
  );
  process.exitCode = 2;
} else {
  import("../program.ts").catch((error) => {
    console.error(error);
    process.exitCode = 1;
  });
}
