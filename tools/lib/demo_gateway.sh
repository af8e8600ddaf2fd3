# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The part of tools/demo in which a gateway stands between a device and the server. Sourced by it: uses its functions
# and variables.

GATEWAY=build/host/boards/raspberry-pi/sbs-gateway
OXIMETER=urn:example:oximeter
gate_pid=''
gateway_pid=''
gateway_run='' # its control socket is there: a path below 108 bytes wherever the repository is

sbs-gateway() { "$root/$GATEWAY" "$@"; }
page_sentence() { node "$root/tools/lib/demo_gateway.mjs" sentence "$page_url"; }

end_gateway() {
    local pid
    for pid in $gateway_pid $gate_pid; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    [ -z "$gateway_run" ] || rm -rf "$gateway_run"
}

# await_line PATTERN FILE PID: until the file has such a line; PID writes it.
await_line() {
    local end=$((SECONDS + 60))
    until grep -qsE "$1" "$2"; do
        if [ "$SECONDS" -ge "$end" ] || ! kill -0 "$3" 2>/dev/null; then
            cat "$2" >&2
            echo "demo: no '$1' in $2" >&2
            return 1
        fi
        sleep 0.1
    done
}

# show_sentence PATTERN: the page's sentence, as soon as it is so.
show_sentence() {
    local end=$((SECONDS + 90)) sentence
    until sentence=$(page_sentence) && [[ $sentence =~ $1 ]]; do
        if [ "$SECONDS" -ge "$end" ]; then
            cat gateway.log >&2
            echo "demo: the page says '$sentence', not '$1'" >&2
            return 1
        fi
        sleep 0.2
    done
    fold -s -w 84 <<<"$sentence" | sed 's/ *$//; 1s/^/the page: /; 2,$s/^/          /' | paint "$bold"
}

start_gate() {
    rm -f gate.url
    node "$root/tools/lib/demo_gateway.mjs" gate "$fhir" "$work/gate.url" >gate.log 2>&1 </dev/null 3>&- &
    gate_pid=$!
    await_line '^https:' gate.url "$gate_pid"
}

write_gateway_config() {
    gateway_run=$(mktemp -d)
    rm -rf gateway
    mkdir gateway
    cat >gateway.conf <<TEXT
[server]
fhir = $(cat gate.url)
ca = $work/ca.pem
client-id = gateway-1
scope = system/Observation.cu
[gateway]
name = clinic-12
state = $work/gateway
run = $gateway_run
keep-free = 1M
[listen http]
address = 127.0.0.1:0
[listen page]
address = 127.0.0.2:0
[device oximeter]
protocol = fhir
TEXT
    say "One file, gateway.conf, says where the server is and who may post:"
    grep -vE '^(state|run|keep-free) ' gateway.conf | sed "s|$work/||" | paint ""
}

show_gateway_start() {
    start_gate
    write_gateway_config
    show sbs-gateway run --config gateway.conf
    "$root/$GATEWAY" run --config gateway.conf >gateway.log 2>&1 </dev/null 3>&- &
    gateway_pid=$!
    await_line 'http 127\.0\.0\.1:0 \(port [0-9]+\)' gateway.log "$gateway_pid"
    device_url=http://127.0.0.1:$(sed -nE 's/.*http 127\.0\.0\.1:0 \(port ([0-9]+)\).*/\1/p' gateway.log)/fhir/Observation
    page_url=http://127.0.0.2:$(sed -nE 's/.*page 127\.0\.0\.2:0 \(port ([0-9]+)\).*/\1/p' gateway.log)/
    say "It has made a key of its own. That is registered, and the device gets a secret:"
    run sbs-gateway jwk --set --config gateway.conf
    cp out gateway.jwks
    demo register "$admin_url" gateway-1 gateway.jwks | paint ""
    quietly sbs-gateway reload --config gateway.conf
    show sbs-gateway device secret oximeter --config gateway.conf '|' \
        sed 's/^/Authorization: Bearer /' '>' oximeter.header
    (umask 077 && sbs-gateway device secret oximeter --config gateway.conf 2>err |
        sed 's/^/Authorization: Bearer /' >oximeter.header)
}

# post_measurement NUMBER VALUE [quietly]
post_measurement() {
    local post=(curl --silent --show-error --max-time 30 --output answer.json --write-out '%{http_code}\n'
        --header @oximeter.header --header 'Content-Type: application/fhir+json' --data-binary @saturation.json
        "$device_url")
    quietly sbs observe --code "$LOINC|59408-5|Oxygen saturation" --value "$2" --unit % --category vital-signs \
        --subject Patient/p1 --effective "$(now)" --identifier "$OXIMETER|$1"
    cp out saturation.json
    [ "${3:-}" = quietly ] || show "${post[@]}"
    quietly "${post[@]}"
    say "measurement $1: the gateway answered $(cat out)"
    grep -q '^201$' out || { cat answer.json >&2; return 1; }
}

show_gateway_cut() {
    local number
    kill -USR1 "$gate_pid"
    await_line '^shut' gate.log "$gate_pid"
    for number in 2 3 4; do
        post_measurement "$number" "9$number" quietly
    done
    show_sentence '^Waiting\. 3 measurements wait: .*Nothing is lost\.$'
}

show_gateway_back() {
    local held
    kill -USR2 "$gate_pid"
    await_line '^open' gate.log "$gate_pid"
    show_sentence '^Good\. All measurements are on the server\.$'
    held=$(demo held "$admin_url" "$OXIMETER")
    [ "$held" = 4 ] || { echo "demo: the server holds $held of 4" >&2; return 1; }
    say "The gateway said yes to 4 measurements; the server holds $held, each once."
}

gateway_steps() {
    heading "The gateway starts"
    show_gateway_start
    heading "A device posts: plain HTTP and its secret"
    post_measurement 1 98
    show_sentence '^Good\. All measurements are on the server\.$'
    heading "The server is cut off; the device goes on"
    show_gateway_cut
    heading "The server comes back"
    show_gateway_back
    # shellcheck disable=SC2034 # tools/demo tells it
    step='ending the gateway'
    end_gateway
    gateway_pid='' gate_pid='' gateway_run=''
}
