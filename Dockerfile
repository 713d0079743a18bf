# The app and the watch process as one image; compose.yaml says how they stand together. Named as
# docker, podman and buildah all look for it by themselves.
#   docker build --tag corridors .

# Of the Python the tests run on; another registry's: --build-arg PYTHON=mirror.example/python:3.11
ARG PYTHON=docker.io/library/python:3.11-slim-bookworm

FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements-build.lock requirements.lock ./
# As make does it: every hash is checked, and what builds comes from the lock too.
RUN python3 -m venv /tools \
    && /tools/bin/pip install --quiet --require-hashes -r requirements-build.lock \
    && /tools/bin/pip wheel --quiet --no-build-isolation --require-hashes -r requirements.lock \
        --wheel-dir /wheels
COPY . .
# Of what was checked, only what the app needs: no index is asked again.
RUN /tools/bin/pip wheel --quiet --no-build-isolation --no-deps --wheel-dir /wheels . \
    && python3 -m venv /corridors \
    && /corridors/bin/pip install --quiet --no-index --find-links /wheels 'corridors[team]' \
    && /corridors/bin/python -m compileall -q /corridors

FROM ${PYTHON}
# A font with Chinese letters, for the briefs as PDF.
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        fonts-noto-cjk >/dev/null \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --shell /usr/sbin/nologin corridors \
    && install -d -o corridors -g corridors /var/cache/corridors /var/lib/corridors
COPY --from=build /corridors /corridors
# What is fetched and what is remembered lie in volumes; all else can be mounted read-only.
ENV PATH=/corridors/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    XDG_CACHE_HOME=/var/cache \
    XDG_DATA_HOME=/var/lib
USER 10001:10001
WORKDIR /var/lib/corridors
VOLUME ["/var/cache/corridors", "/var/lib/corridors"]
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["python", "-c", \
    "from urllib.request import urlopen; urlopen('http://127.0.0.1:8501/_stcore/health', timeout=5)"]
CMD ["corridors", "app"]
