#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# As the real one: without a key in the environment it makes one beside itself, outside the volume.
SCRIPT_DIR=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" &>/dev/null && pwd)
cd "$SCRIPT_DIR" || exit

KEY_FILE=${WEBUI_SECRET_KEY_FILE:-.webui_secret_key}
PORT=${PORT:-8080}
HOST=${HOST:-0.0.0.0}
if test "$WEBUI_SECRET_KEY $WEBUI_JWT_SECRET_KEY" = " "; then
  echo "Loading WEBUI_SECRET_KEY from file, not provided as an environment variable."
  if ! [ -e "$KEY_FILE" ]; then
    echo "Generating WEBUI_SECRET_KEY"
    head -c 12 /dev/random | base64 >"$KEY_FILE"
  fi
  echo "Loading WEBUI_SECRET_KEY from $KEY_FILE"
  WEBUI_SECRET_KEY=$(cat "$KEY_FILE")
fi
WEBUI_SECRET_KEY="$WEBUI_SECRET_KEY" exec python3 -m open_webui --host "$HOST" --port "$PORT"
