#!/bin/sh
# Install Debian packages that are missing, where we may; say what is missing elsewhere.
#   tools/needs.sh chromium gettext postgresql …
set -eu
missing=""
for package in "$@"; do
    case "$package" in
    chromium) test -x /usr/bin/chromium || missing="$missing $package" ;;
    gettext) command -v xgettext >/dev/null || missing="$missing $package" ;;
    postgresql) ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing $package" ;;
    *) command -v "$package" >/dev/null || missing="$missing $package" ;;
    esac
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing$missing …" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q >/dev/null
    # shellcheck disable=SC2086
    apt-get install -y -q --no-install-recommends $missing >/dev/null
else
    echo "Not installed here, and needs an administrator: sudo apt install$missing" >&2
    exit 1
fi
