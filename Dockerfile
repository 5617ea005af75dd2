# One image for the operator and for billing: `catalyst operator`, `catalyst billing`, `catalyst migrate`.
# Node strips the types and runs TypeScript as it is. There is no build step: the reviewed code is the code that runs.

# A release passes the base by digest (--build-arg NODE_IMAGE=node:26-slim@sha256:…). A digest written here would keep an old
# base in use, because the base changes with each patch. Clusters pin this image by its own digest.
ARG NODE_IMAGE=node:26-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# Only the playground needs the optional packages and the workspace. Without install scripts, the package `node` does not
# install a second Node.
RUN npm ci --omit=dev --omit=optional --workspaces=false --ignore-scripts

FROM ${NODE_IMAGE}
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
# Without the playground: .dockerignore leaves it out.
COPY src src
USER 65532:65532
# A young generation of 16 MiB halves the minor collections of the webhook, each of which stops it for 1 to 3 ms.
# The heap may double before a full collection, which stops the webhook for 13 to 38 ms. Without this, 30,000 reviews had 3 to 10
# of these, and with it none. The heap holds 70 MiB with a fleet of 200 Sovereigns.
# The heap takes at most 60 % of the container's memory limit. Without this, it grew until the kernel ended the process.
ENTRYPOINT ["node", "--max-semi-space-size=16", "--heap-growing-percent=100", "--max-old-space-size-percentage=60", "/app/src/cli/main.ts"]
