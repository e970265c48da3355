# docker build -t fairlead . && docker run -p 4000:4000 -e LITELLM_MASTER_KEY=sk-a-key-of-your-own fairlead
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /fairlead ./cmd/fairlead \
 && mkdir -p /data

# No shell, no package manager, no root: the binary and the certificates.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /fairlead /fairlead
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
WORKDIR /data
ENV HOST=0.0.0.0
EXPOSE 4000
ENTRYPOINT ["/fairlead"]
