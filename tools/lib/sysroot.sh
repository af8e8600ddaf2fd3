# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What a cross compiler links against for packages: the C library, SQLite and zlib of another architecture of Debian's,
# unpacked under .deps/sysroot-ARCH. The system's own list of architectures stays as it is. apt checks each file against
# its signed index. Sourced after tools/lib/sources.sh by scripts that define root, say and fail.

SYSROOT_RELEASE=bookworm
SYSROOT_PACKAGES=(libc6 libc6-dev libgcc-s1 linux-libc-dev libcrypt1 libcrypt-dev libsqlite3-0 libsqlite3-dev zlib1g zlib1g-dev)

# Within Debian's packages links point at the root: here they have to point within the folder.
relink_sysroot() {
    local link target
    while IFS= read -r link; do
        target=$(readlink "$link")
        ln -sfn "$(realpath --relative-to="$(dirname "$link")" "$1$target")" "$link"
    done < <(find "$1" -type l -lname '/*')
}

# fetch_sysroot ARCH: makes .deps/sysroot-ARCH, unless it is there.
fetch_sysroot() {
    local arch=$1 folder=$DEPS/sysroot-$1 apt=$DEPS/apt-$1 keyring mirror file
    [ ! -d "$folder" ] || return 0
    say "fetching the libraries of $arch"
    write_apt_configuration
    keyring=$(debian_keyring)
    mirror=$(mirror_of '')

    rm -rf "$apt" "$folder.new"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/files" "$folder.new"
    : >"$apt/status"
    {
        grep -v '^Dir::' "$DEPS/apt/apt.conf"
        cat <<CONFIG
Dir::Etc::SourceList "$apt/sources.list";
Dir::Etc::SourceParts "$DEPS/apt/empty";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "$DEPS/apt/empty";
Dir::Etc::Parts "$DEPS/apt/empty";
Dir::State::Lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
CONFIG
    } >"$apt/apt.conf"
    echo "deb [signed-by=$keyring] $mirror $SYSROOT_RELEASE main" >"$apt/sources.list"
    APT_CONFIG="$apt/apt.conf" apt-get update -qq || fail "apt-get update failed with the configuration in $apt"
    (cd "$apt/files" && APT_CONFIG="$apt/apt.conf" apt-get download -qq "${SYSROOT_PACKAGES[@]}" >/dev/null) ||
        fail "could not download the libraries of $arch"

    for file in "$apt"/files/*.deb; do
        dpkg-deb --extract "$file" "$folder.new"
    done
    relink_sysroot "$folder.new"
    mv "$folder.new" "$folder"
}
