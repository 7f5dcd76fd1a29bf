# The container image: `make image`, or `docker build --build-arg BASE=debian:12-slim .`.
ARG BASE=debian:12-slim

FROM ${BASE} AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        gcc libc6-dev make pkg-config \
        libcurl4-gnutls-dev libgmp-dev libgnutls28-dev libjansson-dev libmicrohttpd-dev \
        libseccomp-dev libsodium-dev libsqlite3-dev liburcu-dev libyaml-dev nettle-dev zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
ARG COMMIT=unknown
RUN make build COMMIT="${COMMIT}" && strip build/release/vesta

FROM ${BASE}
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        libcurl3-gnutls libgmp10 libgnutls30 libhogweed6 libjansson4 libmicrohttpd12 libnettle8 \
        libseccomp2 libsodium23 libsqlite3-0 liburcu8 libyaml-0-2 zlib1g \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/vesta --shell /usr/sbin/nologin vesta \
    && install -d -o vesta -g vesta -m 0750 /var/lib/vesta
COPY --from=build /src/build/release/vesta /usr/local/bin/vesta
RUN ldd /usr/local/bin/vesta > /tmp/ldd && ! grep 'not found' /tmp/ldd && rm /tmp/ldd
USER vesta
WORKDIR /var/lib/vesta
VOLUME /var/lib/vesta
EXPOSE 8080
# The API stays on the container's loopback: `docker exec NAME vesta get groups`.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["vesta", "health"]
ENTRYPOINT ["vesta"]
CMD ["serve", "--address", "0.0.0.0:8080"]
