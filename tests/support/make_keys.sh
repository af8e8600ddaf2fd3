#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the key files of the tests in the folder $1 with OpenSSL: good ones in each format, and bad ones.
set -eu
cd "$1"

rsa() { # NAME BITS [EXPONENT]
    openssl genpkey -quiet -algorithm RSA -pkeyopt "rsa_keygen_bits:$2" -pkeyopt "rsa_keygen_pubexp:${3:-65537}" -out "$1.pem"
}

ec() { # NAME CURVE
    openssl genpkey -quiet -algorithm EC -pkeyopt "ec_paramgen_curve:$2" -out "$1.pem"
}

rsa rsa1024 1024
rsa rsa2048 2048
rsa rsa2048e3 2048 3
rsa rsa3072 3072
rsa rsa4096 4096
rsa rsa4104 4104
ec p384 P-384
ec p256 P-256
ec p521 P-521
ec k256 secp256k1
openssl genpkey -quiet -algorithm ED25519 -out ed25519.pem

for name in rsa2048 rsa2048e3 rsa3072 rsa4096 p384; do
    openssl pkey -in "$name.pem" -traditional -out "$name.traditional.pem"
    openssl pkey -in "$name.pem" -pubout -out "$name.public.pem"
done
openssl rsa -in rsa2048.pem -RSAPublicKey_out -out rsa2048.rsapublic.pem 2>/dev/null
openssl rsa -in rsa2048.pem -RSAPublicKey_out -outform DER -out rsa2048.public.der 2>/dev/null
openssl rsa -in rsa4096.pem -RSAPublicKey_out -outform DER -out rsa4096.public.der 2>/dev/null
openssl pkey -in p384.pem -pubout -outform DER | tail -c 97 >p384.public.der
# SEC 1 as `openssl ecparam -genkey` writes it: the parameters first.
openssl ecparam -name secp384r1 -genkey -out p384.parameters.pem
openssl pkey -in p256.pem -pubout -out p256.public.pem
openssl pkey -in rsa1024.pem -pubout -out rsa1024.public.pem
openssl pkcs8 -topk8 -in rsa2048.pem -passout pass:secret -out encrypted.pem
openssl rsa -in rsa2048.pem -traditional -aes128 -passout pass:secret -out encrypted.traditional.pem 2>/dev/null
openssl dhparam -dsaparam -out dh.pem 1024 2>/dev/null
sed 's/$/\r/' rsa2048.pem >crlf.pem
{ echo 'A key for testing.'; echo; openssl pkey -in rsa2048.pem -text; } >text.pem
sed '$d' rsa2048.pem >no-end.pem
head -n 10 rsa2048.pem >half.pem
{ head -n 10 rsa2048.pem; tail -n 1 rsa2048.pem; } >hole.pem
cat rsa2048.pem p384.pem >two.pem
cat rsa2048.public.pem p384.public.pem >two.public.pem
cat rsa2048.public.pem rsa2048.pem >pair.pem
