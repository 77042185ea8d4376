# Extauth in a container: docs/operating/docker.md
FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/extauth
COPY requirements.txt .
RUN /opt/extauth/bin/pip install --no-cache-dir -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
RUN /opt/extauth/bin/pip install --no-cache-dir --no-deps .

FROM python:3.13-slim
# A number, so that Kubernetes sees that it isn't root.
ARG UID=10001
RUN install --directory --owner=$UID --group=$UID --mode=700 /data
COPY --from=build /opt/extauth /opt/extauth
# Over Socket Mode too, PORT is where the probes are answered. slack_sdk doesn't start without a HOME.
ENV HOME=/data \
    PATH=/opt/extauth/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PORT=3000 \
    DATABASE_URL=sqlite:////data/extauth.db
USER $UID:$UID
WORKDIR /data
VOLUME /data
EXPOSE 3000
HEALTHCHECK --start-period=10s --timeout=5s CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + (os.environ.get('EXTAUTH_HEALTH_PORT') or os.environ['PORT']) + '/health/live', timeout=3)"]
ENTRYPOINT ["extauth"]
