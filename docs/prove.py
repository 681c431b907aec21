#!/usr/bin/env python3
"""Checks that a transaction is in a journal: prove.py PROOF.json [PUBLIC_KEY]; needs nothing but Python 3 and openssl."""
import base64, hashlib, json, subprocess, sys, tempfile

def check(holds, why):
    if not holds: sys.exit("not proven: " + why)

proof = json.load(open(sys.argv[1]))
sha = lambda *parts: hashlib.sha256(b"".join(parts)).digest()
leaf = lambda data: sha(b"\0", data)

def root(path, node):  # RFC 6962: up from a leaf; where there is no neighbour, a node is carried up as it is
    at, width, beside = path["index"], path["count"], [bytes.fromhex(h) for h in path["beside"]]
    check(0 <= at < width, "no such leaf")
    while width > 1:
        if at % 2: node = sha(b"\1", beside.pop(0), node)
        elif at + 1 < width: node = sha(b"\1", node, beside.pop(0))
        at, width = at // 2, (width + 1) // 2
    check(not beside, "hashes are left over")
    return node

record, row = base64.b64decode(proof["record"]), proof["row"]
number = lambda n: n.to_bytes(8, "big")
row_hash = sha(b"jiaozi journal row 1\0", number(row["sequence"]), number(row["epoch"]), bytes.fromhex(row["prev_hash"]),
               number(row["records"]["count"]), root(row["records"], leaf(record)))
check(proof["tree"]["index"] == row["sequence"] - 1, "the row is at another place")
body, signatures = proof["checkpoint"].split("\n\n")
name, size, signed_root = body.split("\n")[:3]
check((int(size), base64.b64decode(signed_root)) == (proof["tree"]["count"], root(proof["tree"], leaf(row_hash))), "not in the tree")

key_name, _, key = (sys.argv[2] if len(sys.argv) > 2 else proof["key"]).split("+", 2)
signed = [line.split(" ")[2] for line in signatures.splitlines() if line.startswith("\u2014 %s " % key_name)]
check(signed, "not signed by " + key_name)
public, signature = base64.b64decode(key)[1:], base64.b64decode(signed[0])[4:]
with tempfile.TemporaryDirectory() as folder:
    for file, data in ("key", bytes.fromhex("302a300506032b6570032100") + public), ("sig", signature), ("msg", (body + "\n").encode()):
        with open(folder + "/" + file, "wb") as out: out.write(data)
    verify = "openssl pkeyutl -verify -pubin -keyform DER -rawin -inkey key -sigfile sig -in msg".split()
    check(subprocess.run(verify, cwd=folder, capture_output=True).returncode == 0, "the signature does not fit")

# The record is read from its first byte to its last, so that nothing within a text is taken for a transaction.
rest = record
def take(count):
    global rest
    check(len(rest) >= count, "the record ends in the middle")
    taken, rest = rest[:count], rest[count:]
    return taken
def varint():  # the journal writes numbers as varints (postcard)
    value = shift = 0
    while True:
        byte = take(1)[0]
        value, shift = value | (byte & 127) << shift, shift + 7
        if byte < 128: return value
wide = lambda: take(varint())  # an id, with its length before it
text = lambda: take(varint()).decode()
listed = lambda form: lambda: [form() for _ in range(varint())]
maybe = lambda form: lambda: form() if varint() else None
fields = lambda *forms: lambda: [form() for form in forms]
one_of = lambda **forms: lambda: forms.get("_%d" % varint(), lambda: sys.exit("not proven: another kind of record"))()

n, numbers, metadata = varint, listed(varint), listed(fields(text, text))
postings = listed(fields(n, n, n))
transaction = fields(n, n, wide, n, maybe(text), postings)
event = one_of(_0=one_of(
    _2=lambda: ("posted", transaction()),
    _5=fields(n, maybe(n), maybe(n), metadata),
    _6=fields(n, wide, n, postings, maybe(n), listed(fields(n, n)), n, n, maybe(text), metadata),
    _7=fields(n, wide, n, numbers), _8=fields(n, wide, numbers), _9=fields(n, wide, numbers),
    _10=fields(n, n, numbers), _11=fields(*[n] * 14)))
outcome = one_of(_19=one_of(
    _2=fields(n, listed(fields(n, n, n))),
    _5=fields(listed(fields(maybe(n), numbers)), listed(fields(n, n, n, n, n)))))
command = fields(n, listed(fields(n, wide, wide, n)), maybe(outcome), listed(event))
_, _, _, events = one_of(_0=command)()
check(not rest, "the record goes on after its end")
posted = [found[1] for found in events if found[0] == "posted"]
wanted = [found for found in posted if "txn_" + found[2].hex() == proof["id"]]
check(len(wanted) == 1, "the record is of another transaction")
book, no, _, kind, reference, moved = wanted[0]
print("%s is transaction %d, of book %d, in row %d of the %s rows signed by %s" % (proof["id"], no, book, row["sequence"], size, key_name))
print("kind %d, reference %r" % (kind, reference or ""))
for debit, credit, amount in moved:
    print("account %d to account %d: %d" % (debit, credit, amount // 2))
