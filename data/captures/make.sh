#!/bin/sh
# Makes the captures of this directory anew: `sh data/captures/make.sh`, as a user who may capture on
# the loopback interface. Needs openssl 3 and dumpcap. The keys live in a temporary directory that is
# removed, and no key log is written.
set -eu
out=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

authority() { # name
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
        -keyout "$1.key" -out "$1.pem" -subj "/O=Example/CN=$2" 2>/dev/null
}
leaf() { # name, common name, authority
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" \
        -subj "/O=Example/CN=$2" 2>/dev/null |
        openssl x509 -req -CA "$3.pem" -CAkey "$3.key" -days 3650 -out "$1.pem" 2>/dev/null
}
authority root "Example Root"
authority other "Another Root"
leaf server partner.example.com root
leaf client client.example.com root
leaf stranger stranger.example.com other

attempt() { # file, version, identity or none
    openssl s_server -accept 127.0.0.1:18443 -cert server.pem -key server.key -CAfile root.pem \
        -Verify 3 -verify_return_error -www "-$2" -naccept 1 >/dev/null 2>&1 &
    server=$!
    dumpcap -q -P -i lo -f 'tcp port 18443' -w "$1.pcap" >/dev/null 2>&1 &
    capture=$!
    sleep 2
    own=
    [ "$3" = none ] || own="-cert $3.pem -key $3.key"
    # shellcheck disable=SC2086
    { printf 'GET / HTTP/1.0\r\n\r\n'; sleep 1; } | timeout 5 openssl s_client \
        -connect 127.0.0.1:18443 -servername partner.example.com $own >/dev/null 2>&1 || true
    sleep 1
    kill "$capture" "$server" 2>/dev/null || true
    wait
    cp "$1.pcap" "$out/$1.pcap"
    chmod 644 "$out/$1.pcap"
}
for version in tls1_2 tls1_3; do
    attempt "$version-accepted" "$version" client
    attempt "$version-no-certificate" "$version" none
    attempt "$version-unknown-ca" "$version" stranger
done
