# Keeps a PostgreSQL server for as long as its standard input is open, in a directory of its own that goes with it.
# $1 is the directory of the server's programs. Says "ready DIRECTORY" when connections are taken on the socket there.
# Each line of the standard input is an order, which is answered when it is done: kill, stop or start.
set -u
trap '' INT TERM HUP
bin=$1
home=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-postgres.XXXXXX") || exit 1
cd "$home" || exit 1

start() {
  tries=0
  # What a killed server has left running is waited for.
  until "$bin/pg_ctl" -D data -l log -w -t 60 -o "-k $home -c listen_addresses=''" start >>control 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { cat log control >&2; return 1; }
    sleep 0.05
  done
  echo "ready $home"
}

"$bin/initdb" -D data -U postgres -A trust -E UTF8 --locale=C --no-sync >control 2>&1 || { cat control >&2; exit 1; }
cat >>data/postgresql.conf <<'TEXT'
max_connections = 300
shared_buffers = 64MB
TEXT
start || exit 1
while read -r order; do
  case $order in
    kill) kill -9 "$(head -n 1 data/postmaster.pid)" && echo killed ;;
    stop) "$bin/pg_ctl" -D data -m fast -w stop >>control 2>&1 && echo stopped ;;
    start) start ;;
  esac || break
done
"$bin/pg_ctl" -D data -m immediate -w stop >/dev/null 2>&1
rm -rf "$home"
