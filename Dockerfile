# The one image of the operator and of billing: `catalyst operator`, `catalyst billing`, `catalyst migrate`.
# TypeScript runs as it is (Node strips the types), so there is no build step and what is reviewed is what runs.
FROM node:26-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional

FROM node:26-slim
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY src src
COPY docs/errors.md docs/errors.md
USER 65532:65532
ENTRYPOINT ["node", "/app/src/cli/main.ts"]
