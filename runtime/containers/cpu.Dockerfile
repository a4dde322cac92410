# The runtime on a processor, x86-64 or arm64, by ONNX Runtime. From the project's root:
#   docker build -f runtime/containers/cpu.Dockerfile -t dgiqa-edge:cpu .
# With podman add --format docker: its own format has no health check.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN python3 -m venv /opt/dgiqa-edge/venv \
    && /opt/dgiqa-edge/venv/bin/pip install --no-cache-dir -c constraints.txt '.[cpu,watch]'

# The same places as those of the systemd unit (runtime/examples/dgiqa-edge.service): one configuration serves both.
FROM ${BASE}
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin dgiqa-edge \
    && install -d -o dgiqa-edge -g dgiqa-edge /var/cache/dgiqa-edge /var/lib/dgiqa-edge
COPY --from=build /opt/dgiqa-edge /opt/dgiqa-edge
ENV PATH=/opt/dgiqa-edge/venv/bin:$PATH \
    XDG_CACHE_HOME=/var/cache
# All that is written, but for /tmp: the rest of the image may be read-only.
VOLUME ["/var/cache/dgiqa-edge", "/var/lib/dgiqa-edge"]
WORKDIR /var/lib/dgiqa-edge
USER 10001
# Whether `watch` answers where its metrics are (the sink "prometheus", at its own address).
HEALTHCHECK --start-period=60s --interval=30s --timeout=10s CMD ["python", "-c", "import http.client as h; \
c = h.HTTPConnection('127.0.0.1', 9108, timeout=5); c.request('GET', '/metrics'); exit(c.getresponse().status != 200)"]
ENTRYPOINT ["dgiqa-edge"]
CMD ["watch", "/etc/dgiqa-edge/watch.toml"]
