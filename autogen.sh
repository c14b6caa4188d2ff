#!/bin/sh
# Makes configure and Makefile.in from their sources; needed once after a
# clone. Afterwards make keeps them fresh by itself.
set -eu
cd "$(dirname "$0")"
exec autoreconf --install --force "$@"
