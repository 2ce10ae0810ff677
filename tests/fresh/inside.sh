#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs in the fresh system, see run.py: README's commands, in its order, and then the package.
set -eum
say() { printf '== fresh: %s\n' "$*"; }
fail() {
    printf 'fresh: %s\n' "$*" >&2
    exit 1
}

# Prints what the command prints, once it succeeds: a server needs a moment.
eventually() {
    for _ in $(seq 300); do
        if "$@" 2> /dev/null; then return; fi
        sleep 0.1
    done
    fail "never succeeded: $*"
}

say "apt install git make"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends git make > /tmp/apt.log 2>&1 || fail "$(tail -n 20 /tmp/apt.log)"
git clone -q /srv/admatch.git /root/admatch
cd /root/admatch

say "make"
! make > /tmp/make.log 2>&1 || fail "make built without anything to build with"
grep -q '^    apt install gcc ' /tmp/make.log || fail "make does not say what to install: $(tail -n 20 /tmp/make.log)"

say "make run"
make run > /tmp/run.log 2>&1 &
running=$!
line_to_try() { grep -m 1 '^  curl ' /tmp/run.log; }
for _ in $(seq 600); do
    line_to_try > /dev/null && break
    kill -0 "$running" 2> /dev/null || fail "make run ended: $(tail -n 20 /tmp/run.log)"
    sleep 1
done
line=$(line_to_try) || fail "make run printed no line to try: $(tail -n 20 /tmp/run.log)"
answer=$(eventually bash -c "$line --silent --fail")
[[ $answer == *'"ads":[{"ad":'* ]] || fail "no ads for the line that make run prints: $answer"
kill -INT -- "-$running"
wait "$running" || true

say "make test"
make test > /tmp/test.log 2>&1 || fail "make test: $(tail -n 60 /tmp/test.log)"
tail -n 1 /tmp/test.log

say "make deb, and what it made"
make deb > /tmp/deb.log 2>&1 || fail "make deb: $(tail -n 40 /tmp/deb.log)"
apt-get install -y -qq --no-install-recommends ./build/uwsgi-plugin-admatch_*.deb > /tmp/apt.log 2>&1 || fail "$(tail -n 20 /tmp/apt.log)"
[[ $(admatch --version) == "admatch $(cat VERSION)" ]] || fail "admatch --version says $(admatch --version)"
install -D -m 644 tests/data/example.jsonl /srv/ads/inventory.jsonl
command=$(sed -n 's/^ExecStart=//p' /lib/systemd/system/admatch.service)
$command --http11-socket 127.0.0.1:8080 > /tmp/installed.log 2>&1 &
running=$!
answer=$(eventually curl --silent --fail 'http://127.0.0.1:8080/v1/decide?query=trail+running+shoes')
[[ $answer == *'"ads":[{"ad":'* ]] || fail "no ads from the installed package: $answer"
kill -TERM "$running"
wait "$running" || true
apt-get purge -y -qq uwsgi-plugin-admatch > /tmp/apt.log 2>&1 || fail "$(tail -n 20 /tmp/apt.log)"
! compgen -G '/usr/lib/uwsgi/plugins/admatch*' > /dev/null || fail "the package left its plugin behind"
