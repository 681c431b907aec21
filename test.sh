#!/usr/bin/env bash
# Checks everything there is to check: format, lints, and all tests of all crates, with real browsers and decoders.
# What is missing on this machine is installed by name where that is possible, and named where it is not.
set -uo pipefail
cd "$(dirname "$0")"

usage() {
  cat <<'TEXT'
Usage: ./test.sh [--long]

  --long   the large versions of the crash and property tests too, and clients that others generate (hours rather than minutes)
TEXT
}

for argument in "$@"; do
  case "$argument" in
    --long) export JIAOZI_LONG=1 ;;
    -h | --help) usage; exit 0 ;;
    *) echo "test.sh: $argument is not an option" >&2; usage >&2; exit 2 ;;
  esac
done

# A run from scratch gains nothing from incremental compilation; a developer's next run does.
[ "${CI:-}" = true ] && export CARGO_INCREMENTAL=0
export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-auto}"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
report=()
failed=0
begun=$SECONDS

# section NAME COMMAND...: runs a command under a heading and notes how it went.
section() {
  local name=$1 start=$SECONDS result=ok
  shift
  printf '\n== %s: %s\n' "$name" "$*"
  "$@" 2>&1 | tee -a "$log"
  [ "${PIPESTATUS[0]}" -eq 0 ] || { result=FAILED; failed=1; }
  report+=("$(printf '%-7s %-8s %4d s' "$result" "$name" $((SECONDS - start)))")
}

# tools: sees to it that every program the tests start is there.
tools() {
  local missing=() pair command package
  local pairs=(cc:gcc hledger:hledger openssl:openssl python3:python3 zbarimg:zbar-tools chromium:chromium chromedriver:chromium-driver)
  [ "${JIAOZI_LONG:-}" = 1 ] && pairs+=(node:nodejs npm:npm)
  for pair in "${pairs[@]}"; do
    command=${pair%%:*} package=${pair##*:}
    command -v "$command" >/dev/null || missing+=("$package")
  done
  # Debian keeps a server's programs out of the path.
  compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql)
  if ! command -v cargo >/dev/null; then
    echo "cargo is not installed: get a Rust toolchain from https://rustup.rs" >&2
    return 1
  fi
  [ ${#missing[@]} -eq 0 ] && { echo "nothing is missing"; return 0; }

  local install="apt-get install -y --no-install-recommends ${missing[*]}" sudo=
  if ! command -v apt-get >/dev/null; then
    echo "missing: ${missing[*]} (names of Debian's packages); install them, then run ./test.sh again" >&2
    return 1
  fi
  if [ "$(id -u)" -ne 0 ]; then
    sudo="sudo -n"
    if ! $sudo true 2>/dev/null; then
      echo "missing: ${missing[*]}; run: sudo $install" >&2
      return 1
    fi
  fi
  echo "installing ${missing[*]}"
  $sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo $install -qq >/dev/null
}

# fuzz: lets a fuzzer look for a minute each for what the tests do not know.
fuzz() {
  if ! cargo +nightly fuzz --version; then
    echo "fuzzing needs: rustup toolchain install nightly; cargo install --locked cargo-fuzz" >&2
    return 1
  fi
  local target
  for target in record signature code request; do
    # A corpus of its own, so that what is found by chance does not become a seed by itself.
    mkdir -p "fuzz/corpus/$target"
    cargo +nightly fuzz run "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- -max_total_time=60 -rss_limit_mb=4096 || return 1
  done
}

summary() {
  local tests
  tests=$(awk '/^test result:/ { passed += $4; failed += $6 } END { printf "%d passed, %d failed", passed, failed }' "$log")
  printf '\n== summary\n'
  printf '%s\n' "${report[@]}"
  local minutes=$(((SECONDS - begun) / 60)) seconds=$(((SECONDS - begun) % 60))
  if [ "$failed" -eq 0 ]; then
    printf 'all well: %s tests, %d min %d s\n' "$tests" "$minutes" "$seconds"
  else
    printf 'NOT WELL: %s tests, %d min %d s\n' "$tests" "$minutes" "$seconds"
  fi
}

section tools tools
# Without its tools a test could only fail for the wrong reason.
[ "$failed" -eq 0 ] || { summary; exit 2; }
section format cargo fmt --all --check
section lints cargo clippy --locked --workspace --all-targets -- -D warnings
section tests cargo test --locked --workspace --no-fail-fast
# The gateway's tests keep their data in files; those that a database matters to do it once more on a server.
section server env JIAOZI_TEST_DATABASE=postgres cargo test --locked --workspace --test it -- api:: cli:: pages:: scenarios::
if [ "${JIAOZI_LONG:-}" = 1 ]; then
  section fuzz fuzz
  section clients clients/check.sh "${CARGO_TARGET_DIR:-target}/debug/gateway" 100
fi
summary
exit "$failed"
