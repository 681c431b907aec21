#!/usr/bin/env bash
# Lets programs of others meet the API: two generators of clients, libraries of RFC 9421 and of Standard Webhooks in two
# languages, and a fuzzer that compares every answer with /openapi.json. Needs python3 with venv, node and npm, and fetches
# from their registries. Usage: clients/check.sh GATEWAY [EXAMPLES], with the binary and how much the fuzzer tries.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
gateway=$(realpath "$1")
examples=${2:-20}
work=$(mktemp -d)
server=
end() {
  [ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
  rm -rf "$work"
}
trap end EXIT
cd "$work"
# What is looked at here stays as it was.
export PYTHONDONTWRITEBYTECODE=1

echo "installing what others made"
python3 -m venv python
python/bin/pip install -q -r "$here/requirements.txt"
cp "$here/package.json" "$here/shop.ts" "$here/tsconfig.json" .
npm install --silent --no-audit --no-fund

"$gateway" serve --data data --listen 127.0.0.1:0 --log warn >doors 2>log &
server=$!
for _ in $(seq 300); do
  url=$(awk '$1 == "listens" { print $3 }' doors)
  [ -n "$url" ] && break
  kill -0 "$server" || { cat log; exit 1; }
  sleep 0.2
done

# ask METHOD PATH [BODY]: as the operator.
ask() {
  "$gateway" request "$1" "$2" --url "$url" --key-file data/operator.key ${3:+--data "$3"} 2>>asked
}
# field NAMES...: one text out of the JSON on standard input.
field() {
  python3 -c 'import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1:]: value = value[name]
print(value)' "$@"
}
shop=$(ask POST /v1/merchants '{"name": "Old Street Dumplings", "city": "Hangzhou", "currencies": ["CNY"], "fee_basis_points": 60}' | field merchant id)
wallet=$(ask POST /v1/wallets '{"holder": "customer-1", "currencies": ["CNY"]}' | field wallet id)
ask POST "/v1/wallets/$wallet/top-ups" '{"amount": {"amount": 100000, "currency": "CNY"}, "reference": "bank transfer 1"}' >topped-up
ask POST "/v1/merchants/$shop/keys" >shop.key
ask POST "/v1/wallets/$wallet/keys" >wallet.key
ask POST /v1/keys '{"role": "analyst"}' >analyst.key
ask POST /v1/books '{"name": "Tea house", "offset_minutes": 480}' >book.json
ask POST "/v1/books/$(field book id <book.json)/keys" >book.key
python3 -c 'import sys, urllib.request; sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1]).read())' "$url/openapi.json" >openapi.json

echo "a Python client, by openapi-python-client"
python/bin/openapi-python-client generate --path openapi.json --meta none --output-path generated_python/generated >generated.log 2>&1 || { cat generated.log; exit 1; }
PYTHONPATH="$here:generated_python" python/bin/python "$here/shop.py" "$url" shop.key wallet.key

echo "a TypeScript client, by @hey-api/openapi-ts"
npx openapi-ts -i openapi.json -o generated -c @hey-api/client-fetch >generated.log 2>&1 || { cat generated.log; exit 1; }
npx tsc -p .
npx tsx shop.ts "$url" shop.key wallet.key

for key in data/operator.key shop.key wallet.key analyst.key book.key; do
  echo "schemathesis with $key"
  PYTHONPATH="$here" SCHEMATHESIS_HOOKS=hooks GATEWAY_KEY="$key" python/bin/schemathesis run "$url/openapi.json" --url "$url" \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance \
    --phases examples,coverage,fuzzing --max-examples "$examples" --suppress-health-check all --continue-on-failure >fuzzed 2>&1 \
    || { grep -v '^ *$' fuzzed | tail -200; exit 1; }
  grep -A3 'Test cases:' fuzzed
done
"$gateway" request GET /v1/trial-balance --url "$url" --key-file data/operator.key 2>/dev/null | grep -q '"balances": true'
echo "the books balance"
