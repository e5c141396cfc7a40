# syntax=docker/dockerfile:1-labs
# The same steps as on a machine, through the same scripts (deploy/setup); see README for the rights that
# the container needs: it makes user namespaces, mounts and cgroups for its learners.
FROM golang:1.26-bookworm AS build
COPY --from=node:20-bookworm-slim /usr/local/bin/node /usr/local/bin/node
COPY --from=node:20-bookworm-slim /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
WORKDIR /src
COPY . .
# mmdebstrap mounts proc inside the tree that it builds; BuildKit allows that with --security=insecure only.
RUN --security=insecure deploy/setup

FROM debian:bookworm-slim
COPY --from=build /src/deploy/.cache/bin/ /usr/local/bin/
COPY --from=build /src/deploy/.cache/ /tmp/cache/
RUN rm /tmp/cache/*.tar && mkdir -p /var/lib/netground /usr/share/netground && mv /tmp/cache/rootfs-* /usr/share/netground/rootfs && rm -rf /tmp/cache
COPY labs/ /usr/share/netground/labs/
EXPOSE 8080
VOLUME /var/lib/netground
ENTRYPOINT ["/usr/local/bin/netground"]
CMD ["serve", "--rootfs", "/usr/share/netground/rootfs", "--keeper", "/usr/local/bin/keeper", "--labs", "/usr/share/netground/labs"]
