# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The part of tools/demo in which a microcontroller under QEMU does by itself what the command did before. Sourced by
# it: uses its functions and variables.

METER=meter-1
console_seen=0 # bytes of console.sock.log that were shown

device_running() { [ -n "$device_pid" ] && kill -0 "$device_pid" 2>/dev/null; }

firmware_command() { echo tools/firmware run "$board" --flash-dir flash --console console.sock --lab; }

start_device() {
    local words
    read -ra words < <(firmware_command)
    "$root/${words[0]}" "${words[@]:1}" --no-build --timeout "$SERVER_SECONDS" </dev/null >qemu.log 2>&1 3>&- &
    device_pid=$!
}

# What the firmware said since it was shown last.
new_console() { tail -c "+$((console_seen + 1))" console.sock.log | tr -d '\r'; }

# await_console PATTERN SECONDS: until a line says it.
await_console() {
    local end=$((SECONDS + $2))
    until grep -qE "$1" <<<"$(new_console)"; do
        if ! device_running || [ "$SECONDS" -ge "$end" ]; then
            new_console | tail -n 20 >&2
            cat qemu.log >&2
            echo "demo: the board did not say '$1'" >&2
            return 1
        fi
        sleep 0.1
    done
}

show_console() {
    new_console | demo console | sed 's/^/> /' | paint "$dim"
    console_seen=$(stat -c %s console.sock.log)
}

# type_line TEXT PATTERN SECONDS: types it on the console and waits for the answer.
type_line() {
    demo type console.sock "$1"
    await_console "$2" "$3"
}

pull_the_plug() {
    { pkill -KILL -P "$device_pid" && wait "$device_pid"; } 2>/dev/null || true
    device_pid=''
}

# So many measurements did the device accept, as it says itself; and so many of the server's are its own.
accepted_by_device() { new_console | sed -nE 's/^queued=0 accepted=([0-9]+) .*$/\1/p' | tail -n 1; }
held_by_server() { demo held "$admin_url" http://hl7.org/fhir/uv/phd/StructureDefinition/PhdBaseObservation; }

show_first_boot() {
    local words
    say "Board $board under QEMU. Its Ethernet leads to this network, its flash is two files, its console a socket."
    read -ra words < <(firmware_command)
    show "${words[@]}"
    start_device
    await_console '^state=unprovisioned' 120
    show_console
}

show_provisioning() {
    run sbs provision --device console.sock --show-jwk
    cp out meter.jwks
    demo register "$admin_url" "$METER" meter.jwks | paint ""
    console_seen=$(stat -c %s console.sock.log)
    run sbs provision --device console.sock --fhir "$fhir" --ca ca.pem --client-id "$METER" \
        --scope 'system/Observation.cu system/Device.cu' --subject Patient/p1
    paint "" <err
    await_console '^device: registered' 60
    new_console | grep -vE '^(provision: (ok|ready)|jwk)' | demo console | sed 's/^/> /' | paint "$dim"
    console_seen=$(stat -c %s console.sock.log)
}

show_measuring() {
    say "A simulated sensor; each measurement goes to flash first, then to the server. The device has found the" \
        "time and the server's address by itself, checked its certificate, and signed with its own key."
    type_line 'measure 4' '^state=online queued=0 sent=4 ' 60
    show_console
    demo type console.sock 'stats'
    type_line 'queue' '^queued=' 10
    show_memory
    console_seen=$(stat -c %s console.sock.log)
}

show_memory() {
    local -A bytes
    local name value
    while IFS='=' read -r name value; do
        bytes[$name]=$value
    done < <(new_console | grep -E '^[a-z_]+=[0-9]+$')
    say "The most that it took so far: ${bytes[heap_high_water]} bytes of heap, ${bytes[stack_high_water]} bytes of stack."
}

show_power_cut() {
    say "While it measures and pushes, the power fails; then it comes back."
    type_line 'measure 16' '^measuring' 10
    pull_the_plug
    show_console
    start_device
    await_console '^state=online queued=0 ' 120
    type_line 'queue' '^queued=0 accepted=' 10
    local accepted
    accepted=$(accepted_by_device)
    show_console
    [ "$(held_by_server)" = "$accepted" ] || { echo "demo: the server holds $(held_by_server) of $accepted" >&2; return 1; }
    say "The device had accepted $accepted measurements; the server holds $accepted, each once."
}

device_steps() {
    rm -rf flash console.sock
    : >console.sock.log
    heading "The firmware starts, and makes a key of its own"
    show_first_boot
    heading "Its key is registered; it is provisioned over its console"
    show_provisioning
    heading "It measures"
    show_measuring
    heading "Nothing is lost, nothing comes twice"
    show_power_cut
}
