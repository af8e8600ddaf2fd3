# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Debian packages: which, and how they are installed. Sourced by tools/setup, which defines say and fail.

PACKAGES_HOST=(
    gcc libc6-dev clang clang-tidy clang-format libclang-rt-14-dev llvm mold cmake ninja-build pkg-config git
    libjsmn-dev libsqlite3-dev zlib1g-dev libcjson-dev libjansson-dev libssl-dev
    valgrind gcovr openssl jose jq curl bzip2 xz-utils python3 python3-jwt python3-cryptography python3-requests
    universal-ctags shellcheck mandoc doxygen ca-certificates
    iproute2 dnsmasq-base softhsm2 opensc libp11-kit-dev wrk
)
PACKAGES_FIRMWARE=(
    gcc cmake ninja-build pkg-config git bzip2 xz-utils python3 libjsmn-dev
    gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm
)
PACKAGES_LINUX_CROSS=(
    gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-arm-linux-gnueabihf libc6-dev-armhf-cross qemu-user
)
# The gateway's page in a browser (tests/gateway/page.test.mjs): large, so only where that test runs.
PACKAGES_PAGE=(chromium fonts-dejavu-core)

# packages_of_group GROUP: one package name per line.
packages_of_group() {
    case $1 in
        host) printf '%s\n' "${PACKAGES_HOST[@]}" ;;
        firmware) printf '%s\n' "${PACKAGES_FIRMWARE[@]}" ;;
        page) printf '%s\n' "${PACKAGES_PAGE[@]}" ;;
        all) printf '%s\n' "${PACKAGES_HOST[@]}" "${PACKAGES_FIRMWARE[@]}" "${PACKAGES_LINUX_CROSS[@]}" | sort -u ;;
    esac
}

# missing_packages NAME...: those of them that are not installed, one per line.
missing_packages() {
    command -v dpkg-query >/dev/null || fail "dpkg-query not found: tools/setup works on Debian 12 and its derivatives"
    local installed name
    installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | sed -n 's/ installed$//p' || true)
    for name in "$@"; do
        grep -qxF -- "$name" <<<"$installed" || echo "$name"
    done
}

# as_root COMMAND...: runs it as root.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# Whoever may not become root is told what somebody who may has to run.
require_root() {
    [ "$(id -u)" -ne 0 ] || return 0
    # Without a terminal sudo cannot ask for a password.
    if command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
        return 0
    fi
    fail "needs root: have this run as root:  $*"
}

APT_OPTIONS=(-o DPkg::Lock::Timeout=600)

install_packages() {
    local install=(env DEBIAN_FRONTEND=noninteractive apt-get "${APT_OPTIONS[@]}"
        install -y -qq --no-install-recommends "$@")
    local log
    require_root "apt-get update && apt-get install -y --no-install-recommends $*"
    say "installing packages: $*"
    if ! apt-cache show --no-all-versions "$@" >/dev/null 2>&1; then
        as_root apt-get "${APT_OPTIONS[@]}" update -qq
    fi
    log=$(mktemp)
    # Old lists name files that the mirror has replaced since: one fresh look, then it is an error.
    if ! as_root "${install[@]}" >"$log" 2>&1; then
        as_root apt-get "${APT_OPTIONS[@]}" update -qq
        if ! as_root "${install[@]}" >"$log" 2>&1; then
            tail -n 20 "$log" >&2
            rm -f "$log"
            fail "apt-get could not install: $*"
        fi
    fi
    rm -f "$log"
}
