# The runtime beside an image's own TensorRT and CUDA. The base decides what for, as its TensorRT has to be one that the
# driver there can serve (docs/jetson.md lists which JetPack has which):
#   desktop GPU    docker build -f runtime/containers/nvidia.Dockerfile -t dgiqa-edge:nvidia .
#   JetPack 6      ... --build-arg BASE=nvcr.io/nvidia/l4t-jetpack:r36.4.0
#   JetPack 7      as for a desktop, on the device: its containers are those of other Arm machines
# With podman add --format docker: its own format has no health check.
ARG BASE=nvcr.io/nvidia/tensorrt:25.08-py3

# Both stages need the same of the system: what pip finds there it does not install.
FROM ${BASE} AS system
# hadolint ignore=DL3008
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        ca-certificates python3 python3-opencv gstreamer1.0-tools \
        gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad \
    && rm -rf /var/lib/apt/lists/*
# Looked for, not imported: on a Jetson some of its libraries come from the device when a container starts.
RUN python3 -c 'import importlib.util as u, sys; u.find_spec("tensorrt") or sys.exit("the base image has no TensorRT \
for its python3: choose one that has (--build-arg BASE=...)")'

FROM system AS build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN python3 -m venv --system-site-packages /opt/dgiqa-edge/venv \
    && /opt/dgiqa-edge/venv/bin/pip install --no-cache-dir -c constraints-jetson.txt '.[jetson]'

# The same places as those of the systemd unit (runtime/examples/dgiqa-edge.service): one configuration serves both.
FROM system
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin dgiqa-edge \
    && install -d -o dgiqa-edge -g dgiqa-edge /var/cache/dgiqa-edge /var/lib/dgiqa-edge
COPY --from=build /opt/dgiqa-edge /opt/dgiqa-edge
ENV PATH=/opt/dgiqa-edge/venv/bin:$PATH \
    XDG_CACHE_HOME=/var/cache \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility,video
# All that is written, but for /tmp: the rest of the image may be read-only.
VOLUME ["/var/cache/dgiqa-edge", "/var/lib/dgiqa-edge"]
WORKDIR /var/lib/dgiqa-edge
USER 10001
# Whether `watch` answers where its metrics are (the sink "prometheus", at its own address).
HEALTHCHECK --start-period=60s --interval=30s --timeout=10s CMD ["python", "-c", "import http.client as h; \
c = h.HTTPConnection('127.0.0.1', 9108, timeout=5); c.request('GET', '/metrics'); exit(c.getresponse().status != 200)"]
ENTRYPOINT ["dgiqa-edge"]
CMD ["watch", "/etc/dgiqa-edge/watch.toml"]
