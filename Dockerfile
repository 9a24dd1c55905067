# The service on a Postgres of your own (DATABASE_URL): the embedded one is for trying it out, and is not in the image.
# What is in it is Node, the libraries of Debian that Node is linked with, and the service; see docs/decisions/0065-deployments-that-are-checked.md.
# `npm run image:check` carries these steps out without an engine, and starts what comes of them.
FROM node:22-bookworm AS build
WORKDIR /app
# Where the root file system of the image is made.
ENV IMAGE=/image
# No package tells anybody that it was installed.
ENV SCARF_ANALYTICS=false
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npx nest build \
  && npm prune --omit=dev --no-audit --no-fund \
  && node scripts/image/prune.mjs node_modules \
  && node scripts/image/prune.mjs dist
RUN scripts/image/layer.sh "$(command -v node)" node_modules "$IMAGE" \
  && cp -r package.json node_modules "$IMAGE/app/" \
  && mkdir "$IMAGE/app/dist" \
  && cp -r dist/src dist/migrations "$IMAGE/app/dist/"

FROM scratch
COPY --from=build /image /
ENV NODE_ENV=production
ENV PATH=/usr/local/bin
WORKDIR /app
# A number, so that `runAsNonRoot` can be checked. The files belong to root, and nothing needs to be written.
USER 65532:65532
EXPOSE 3000
# Started directly, so that SIGTERM reaches it.
CMD ["node", "/app/dist/src/main.js"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT ?? 3000) + '/health/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
