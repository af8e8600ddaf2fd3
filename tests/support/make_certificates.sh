#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the keys and certificates of the TLS tests in the folder $1: two roots (RSA, EC), an intermediate of each, and
# server certificates for localhost and its addresses. All are valid from now for ten years.
set -eu
cd "$1"

key() { # NAME KIND
    case $2 in
        rsa*) openssl genpkey -quiet -algorithm RSA -pkeyopt "rsa_keygen_bits:${2#rsa}" -out "$1.key" ;;
        ec*) openssl genpkey -quiet -algorithm EC -pkeyopt "ec_paramgen_curve:P-${2#ec}" -out "$1.key" ;;
    esac 2>/dev/null
}

extensions() { # NAMES
    printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n'
    printf 'extendedKeyUsage=%s\nsubjectAltName=%s\n' "${2:-serverAuth}" "$1"
}

issue() { # NAME ISSUER [HASH [DAYS]]: signs NAME.key with extensions from stdin
    openssl req -new -key "$1.key" -subj "/CN=$1.test" -out "$1.csr"
    cat >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA "$2.crt" -CAkey "$2.key" -CAcreateserial -days "${4:-3650}" "-${3:-sha384}" \
        -extfile "$1.ext" -out "$1.crt" 2>/dev/null
}

root() { # NAME KIND [DAYS]
    key "$1" "$2"
    openssl req -x509 -new -key "$1.key" -subj "/CN=$1.test" -days "${3:-3650}" -sha384 -out "$1.crt" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
}

intermediate() { # NAME KIND ISSUER [DAYS [MORE]]
    key "$1" "$2"
    printf 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\n%b' "${5:-}" |
        issue "$1" "$3" sha384 "${4:-3650}"
}

behind() { # NAME ISSUER: a server's certificate, with its issuer in the chain
    cp ec.key "$1.key"
    extensions "$local_names" | issue "$1" "$2"
    cat "$1.crt" "$2.crt" >"$1.chain"
}

local_names=DNS:localhost,DNS:*.wild.test,IP:127.0.0.1,IP:::1
root root-rsa rsa2048
root root-ec ec384
intermediate middle-rsa rsa2048 root-rsa
intermediate middle-ec ec384 root-ec

key rsa rsa2048
extensions "$local_names" | issue rsa middle-rsa
cat rsa.crt middle-rsa.crt >rsa.chain
key ec ec256
extensions "$local_names" | issue ec middle-ec
cat ec.crt middle-ec.crt >ec.chain

# One name only, and no address.
key other rsa2048
extensions DNS:other.test | issue other root-rsa
cp other.crt other.chain
# A certificate for clients.
cp other.key client.key
extensions DNS:localhost clientAuth | issue client root-rsa
cp client.crt client.chain
# Signed by nobody but itself.
key self ec256
openssl req -x509 -new -key self.key -subj /CN=localhost -days 3650 -out self.crt -addext subjectAltName=DNS:localhost
cp self.crt self.chain
# A root that signed itself with SHA-1, as several in use did, and a server's certificate signed so, which nobody takes.
openssl req -x509 -new -key root-rsa.key -subj /CN=root-rsa.test -days 3650 -sha1 -out root-sha1.crt \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
cp rsa.key sha1.key
extensions "$local_names" | issue sha1 root-rsa sha1
cp sha1.crt sha1.chain
# A name in the common name alone, a critical extension that few know, a curve that this library leaves out, and a root
# that only has the name of another.
named() { # NAME CN: as issue, for a certificate without names of its own
    openssl req -new -key rsa.key -subj "/CN=$2" -out "$1.csr"
    printf 'basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n' >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA root-rsa.crt -CAkey root-rsa.key -CAcreateserial -days 3650 -sha384 \
        -extfile "$1.ext" -out "$1.crt" 2>/dev/null
}
named nameless localhost
cp rsa.key nameless.key
cp nameless.crt nameless.chain
cp rsa.key critical.key
{
    extensions "$local_names"
    echo certificatePolicies=critical,2.23.140.1.2.1
} | issue critical root-rsa
cp critical.crt critical.chain
key curve ec521
extensions "$local_names" | issue curve root-rsa
cp curve.crt curve.chain
openssl req -x509 -new -key root-ec.key -subj /CN=root-rsa.test -days 3650 -sha384 -out impostor.crt \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
# Issued by a server's certificate, and one that goes beyond a message of 16 KB.
cp ec.key misissued.key
extensions "$local_names" | issue misissued other
cat misissued.crt other.crt >misissued.chain
cp ec.key long.key
extensions "$local_names$(printf ',DNS:name-%05d.of-many.test' $(seq 800))" | issue long root-rsa
cp long.crt long.chain
# Valid for a day: the server's certificate, the one between, and the root.
cp ec.key brief.key
extensions "$local_names" | issue brief root-rsa sha384 1
cp brief.crt brief.chain
intermediate middle-brief ec256 root-rsa 1
behind brief-middle middle-brief
root root-brief ec256 1
behind brief-root root-brief
# More names than are told, two of them unfit to be shown.
cp ec.key names.key
extensions "DNS:one.test,IP:10.1.2.3,DNS:two$(printf '\033')[31m.test,DNS:$(printf 'x%.0s' $(seq 200)).test,IP:::1" |
    issue names root-rsa
cp names.crt names.chain
# Name constraints that are not critical: the names of every server here are outside of them, or excluded, or within.
intermediate only-clinic ec256 root-rsa 3650 'nameConstraints=permitted;DNS:clinic.test\n'
behind outside only-clinic
intermediate not-localhost ec256 root-rsa 3650 'nameConstraints=excluded;DNS:localhost\n'
behind excluded not-localhost
intermediate not-home ec256 root-rsa 3650 'nameConstraints=excluded;IP:127.0.0.0/255.0.0.0\n'
behind excluded-address not-home
intermediate for-local ec256 root-rsa 3650 \
    'nameConstraints=permitted;DNS:localhost,permitted;DNS:wild.test,excluded;DNS:a.localhost\n'
behind within for-local
# Clients' own certificates, in one file with their keys.
for kind in rsa ec; do
    cp "$kind.key" "device-$kind.key"
    extensions DNS:device.test clientAuth | issue "device-$kind" middle-ec
    cat "device-$kind.crt" middle-ec.crt >"device-$kind.chain"
    cat "device-$kind.chain" "device-$kind.key" >"device-$kind.pem"
done
cat root-rsa.crt curve.crt root-ec.crt >mixed.pem
cat root-rsa.crt root-ec.crt >both.pem
openssl x509 -in root-rsa.crt -outform DER -out root-rsa.der
dd if=/dev/urandom of=large.bin bs=1000 count=300 2>/dev/null
echo "A few bytes." >small.txt
