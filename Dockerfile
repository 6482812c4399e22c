FROM python:3.11-slim AS build
WORKDIR /src
COPY . .
RUN python -m pip wheel --no-cache-dir --no-deps --wheel-dir /src/dist .
RUN python -m venv /opt/convotest \
    && /opt/convotest/bin/python -m pip install --no-cache-dir --constraint constraints.txt /src/dist/*.whl

FROM python:3.11-slim
COPY --from=build /opt/convotest /opt/convotest
RUN install --directory --owner 10001 --group 10001 /data
WORKDIR /data
USER 10001:10001
ENV PATH=/opt/convotest/bin:$PATH \
    HOME=/data \
    PYTHONUNBUFFERED=1 \
    CONVOTEST_HOST=0.0.0.0 \
    CONVOTEST_PORT=3000 \
    CONVOTEST_DATABASE_URL=sqlite:////data/convotest.db
EXPOSE 3000
VOLUME /data
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen('http://127.0.0.1:' + os.environ['CONVOTEST_PORT'] + '/healthz', timeout=4)"]
ENTRYPOINT ["convotest"]
CMD ["serve"]
