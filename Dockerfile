# The production image: one image, started as web server, worker, beat, or for a management command.
FROM python:3.12-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /app

COPY requirements.txt constraints.txt ./
RUN pip install -r requirements.txt

COPY . .

# OFFERKEEP_DEV lets this one command run without the secrets that only the running container gets.
RUN OFFERKEEP_DEV=1 python manage.py collectstatic --no-input --verbosity 0 \
    && useradd --system --uid 10001 offerkeep

USER offerkeep
ENV PROMETHEUS_MULTIPROC_DIR=/tmp/offerkeep-metrics
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["python", "-m", "project.serve"]
