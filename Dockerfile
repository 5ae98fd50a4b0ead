# SPDX-License-Identifier: Apache-2.0
# AI Beast's own image: one for the API and the worker, built on each host from what a release
# shipped there (beast_ops/compose/image.py), or by hand in a clone: docker build -t ai-beast .
#
# The context holds the lock file, and the wheel or the sources. A pip.conf and an index.pem in
# it say how to reach a private package index; the image itself sees neither.
# No step needs BuildKit: it also builds on the engine of Debian 12.
ARG BASE=python:3.13-slim-trixie

# What the lock file names, without what only hosts use, and without what nobody runs.
FROM ${BASE} AS packages
ARG LOCK=unknown
LABEL org.ai-beast.stage=packages org.ai-beast.lock=${LOCK}
ARG SOURCE_DATE_EPOCH=315532800
ENV PYTHONDONTWRITEBYTECODE=1
WORKDIR /build
COPY requirements/stack.txt beast_ops/compose/slim.py pip.conf* index.pem* wheels* /build/
RUN python -m venv --without-pip /venv \
 && if [ -f pip.conf ]; then export PIP_CONFIG_FILE=/build/pip.conf; fi \
 && python -m pip --no-cache-dir --disable-pip-version-check --python /venv/bin/python \
    install --quiet --no-compile --no-deps --only-binary :all: --require-hashes \
    --requirement stack.txt \
 && python -m pip --disable-pip-version-check --python /venv/bin/python uninstall --quiet --yes \
    bcrypt cffi cryptography docker markdown-it-py mdurl pycparser pygments \
    protego requests rich supervisor watchfiles \
 && python slim.py /venv/lib/python3*/site-packages \
 && find /venv -exec touch --no-dereference --date=@${SOURCE_DATE_EPOCH} {} +
# Compile what a start imports: the root is read-only then, so nobody could keep it.
ENV PYTHONDONTWRITEBYTECODE=
RUN /venv/bin/python -c "import alembic.command, charset_normalizer, docx, fastapi, httptools, httpx, jinja2, lxml.etree, orjson, \
prometheus_client, pydantic, pypdfium2, qdrant_client, qdrant_edge, selectolax.lexbor, \
sqlite3, stamina, uvicorn, uvloop, yaml, fastapi.openapi.utils, uvicorn.protocols.http.httptools_impl"

# Our own code, in a layer of its own: a new version of it brings no packages along.
FROM ${BASE} AS code
LABEL org.ai-beast.stage=code
ARG SOURCE_DATE_EPOCH=315532800
WORKDIR /build
COPY . /build/
RUN mkdir /app \
 && if ls ./*.whl >/dev/null 2>&1; then python -m zipfile -e ./*.whl /app; else cp -r beast_ops /app; fi \
 && find /app -name __pycache__ -prune -exec rm -rf {} + \
 && chmod -R a+rX,go-w /app \
 && find /app -exec touch --date=@${SOURCE_DATE_EPOCH} {} + \
 && python -m compileall -q --invalidation-mode unchecked-hash /app

FROM ${BASE}
ARG SOURCE_DATE_EPOCH=315532800
ARG VERSION=unreleased
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/ensurepip /usr/lib/python3*/ensurepip \
    /usr/local/lib/python3*/site-packages/* /usr/bin/pip* /usr/lib/python3/dist-packages/pip* \
 && echo 'beast:x:1000:1000:AI Beast:/beast:/usr/sbin/nologin' >> /etc/passwd \
 && echo 'beast:x:1000:' >> /etc/group \
 && mkdir -p /beast/data /beast/config /beast/live /beast/run
COPY --from=packages /venv /venv
COPY --from=code /app /app
ENV PATH=/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/beast
WORKDIR /beast
USER 1000:1000
EXPOSE 8787
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=4 \
    CMD ["python", "-IS", "/app/beast_ops/health/probe.py", "http", "8787", "/health/live"]
CMD ["python", "-m", "beast_ops.api"]
LABEL org.opencontainers.image.title="AI Beast" \
    org.opencontainers.image.description="HTTP API and worker of AI Beast" \
    org.opencontainers.image.licenses="Apache-2.0 AND GPL-3.0-or-later" \
    org.opencontainers.image.version=${VERSION} \
    org.ai-beast.version=${VERSION}
