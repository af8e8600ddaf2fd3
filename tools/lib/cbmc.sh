# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# CBMC, which proves (tools/prove), from a newer release of Debian. Its packages and the C library that they need are
# unpacked under .deps/cbmc and run from there by their own loader: nothing of the system changes. apt checks each file
# against its signed index. Sourced by tools/setup after tools/lib/sources.sh.

CBMC_RELEASE=trixie
CBMC_PACKAGES=(cbmc minisat libc6 libgcc-s1 libstdc++6 zlib1g)

# missing_cbmc GROUP: says so if it is needed and not there.
missing_cbmc() {
    [ "$1" != firmware ] && [ "$1" != page ] || return 0
    if [ -n "${SBS_CBMC_DIR:-}" ]; then
        [ -x "$SBS_CBMC_DIR/run" ] || fail "no program $SBS_CBMC_DIR/run (folder named by SBS_CBMC_DIR)"
    elif [ ! -x "$DEPS/cbmc/run" ]; then
        echo cbmc
    fi
}

write_cbmc_runner() {
    local folder=$1 loader
    loader=$(cd "$folder" && find . -name 'ld-linux*.so.*' | sort | head -n 1)
    [ -n "$loader" ] || fail "the C library of $CBMC_RELEASE has no loader"
    cat >"$folder/run" <<RUNNER
#!/usr/bin/env bash
# Runs CBMC with the libraries that were unpacked beside it.
here=\$(cd "\$(dirname "\$(readlink -f "\${BASH_SOURCE[0]}")")" && pwd)
libraries=\$(printf '%s:' "\$here"/usr/lib "\$here"/usr/lib/*-linux-* "\$here"/lib/*-linux-*)
exec "\$here/$loader" --library-path "\${libraries%:}" "\$here/usr/bin/cbmc" "\$@"
RUNNER
    chmod +x "$folder/run"
}

fetch_cbmc() {
    local keyring mirror file folder=$DEPS/cbmc.new
    say "fetching cbmc"
    write_apt_configuration
    keyring=$(debian_keyring)
    mirror=$(mirror_of '')
    echo "deb [signed-by=$keyring] $mirror $CBMC_RELEASE main" >>"$DEPS/apt/sources.list"
    private_apt apt-get update -qq || fail "apt-get update failed with the configuration in .deps/apt"
    rm -rf "$folder" "$DEPS/cbmc" "$DEPS/archives/cbmc"
    mkdir -p "$folder" "$DEPS/archives/cbmc"
    (cd "$DEPS/archives/cbmc" &&
        private_apt apt-get download -qq --target-release "$CBMC_RELEASE" "${CBMC_PACKAGES[@]}" >/dev/null) ||
        fail "could not download the packages of cbmc"
    for file in "$DEPS"/archives/cbmc/*.deb; do
        dpkg-deb --extract "$file" "$folder"
    done
    write_cbmc_runner "$folder"
    "$folder/run" --version >/dev/null || fail "cbmc does not run"
    mv "$folder" "$DEPS/cbmc"
    say "cbmc $("$DEPS/cbmc/run" --version)"
}
