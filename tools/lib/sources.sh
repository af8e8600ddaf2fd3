# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Source packages that are compiled into the build. Only the upstream tarball (.orig) of each is taken, with apt,
# through a private configuration under .deps/apt: the system's own sources stay as they are. What is
# downloaded is checked against the SHA-256 of apt's signed index. Sourced by tools/setup, which defines
# root, say and fail.

# shellcheck disable=SC2154 # set by the script that sources this
DEPS="$root/.deps"
SOURCES_HOST=(mbedtls cmocka)
SOURCES_FIRMWARE=(mbedtls cmocka lwip freertos)

# Releases that are looked at: Debian 12 itself has Mbed TLS 2.28 and lwIP 2.1 only.
SOURCE_RELEASES=(bookworm trixie)

# source_series NAME: the upstream series that the project is built for; the newest version in it is taken, as a
# point release of Debian replaces the older one on the mirror.
source_series() {
    case $1 in
        mbedtls) echo '3.6.' ;;
        lwip) echo '2.2.' ;;
        cmocka) echo '1.1.' ;;
        freertos) echo '1.25.' ;; # of MicroPython, which has the kernel V9.0.0
    esac
}

# source_package NAME: the source package that has it.
source_package() {
    case $1 in
        freertos) echo micropython ;;
        *) echo "$1" ;;
    esac
}

# source_part NAME: the folder of the package that is taken, nothing: all of it.
source_part() {
    case $1 in
        freertos) echo ports/cc3200/FreeRTOS ;;
    esac
}

# source_version NAME FOLDER: the version of what was taken where that is not the package's.
source_version() {
    case $1 in
        freertos) sed -nE 's/^#define tskKERNEL_VERSION_NUMBER "V([0-9.]+)"$/\1/p' "$2/Source/include/task.h" ;;
    esac
}

# source_override NAME: the folder that the caller's environment names for it, or nothing.
source_override() {
    local variable
    variable="SBS_$(tr '[:lower:]' '[:upper:]' <<<"$1")_DIR"
    echo "${!variable:-}"
}

# missing_sources GROUP: names, one per line.
missing_sources() {
    local name override
    local names=("${SOURCES_FIRMWARE[@]}")
    [ "$1" != page ] || return 0
    [ "$1" != host ] || names=("${SOURCES_HOST[@]}")
    for name in "${names[@]}"; do
        override=$(source_override "$name")
        if [ -n "$override" ]; then
            [ -d "$override" ] || fail "no folder $override (named by SBS_${name^^}_DIR)"
        elif [ ! -d "$DEPS/$name/" ] || [ ! -f "$DEPS/records/$name" ]; then
            echo "$name"
        fi
    done
}

# mirror_of SUFFIX: the URI of the Debian mirror that this machine takes its release (SUFFIX empty) or the
# release's security updates (SUFFIX -security) from.
mirror_of() {
    local codename
    codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    # shellcheck disable=SC2016 # apt expands these
    apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        awk -v release="$codename$1" '$1 == release && $2 == "main" { print $3; exit }'
}

debian_keyring() {
    local file
    for file in /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/debian-archive-keyring.pgp; do
        [ ! -f "$file" ] || { echo "$file"; return; }
    done
    fail "no Debian archive keyring: install the package debian-archive-keyring"
}

# Writes the private configuration: nothing of the system's is read but its way to the network (proxies, retries).
write_apt_configuration() {
    local mirror security keyring suite
    mirror=$(mirror_of '')
    if [ -z "$mirror" ]; then
        require_root "apt-get update"
        as_root apt-get "${APT_OPTIONS[@]}" update -qq
        mirror=$(mirror_of '')
    fi
    [ -n "$mirror" ] || fail "apt knows no Debian mirror on this machine (apt-get indextargets lists none)"
    security=$(mirror_of -security)
    keyring=$(debian_keyring)
    mkdir -p "$DEPS/apt/lists/partial" "$DEPS/apt/cache/archives/partial" "$DEPS/apt/empty"
    {
        apt-config dump | grep '^Acquire::' | grep -v -e '^Acquire::IndexTargets' -e '^Acquire::Changelogs' || true
        cat <<CONFIG
Dir::Etc::SourceList "$DEPS/apt/sources.list";
Dir::Etc::SourceParts "$DEPS/apt/empty";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "$DEPS/apt/empty";
Dir::Etc::Parts "$DEPS/apt/empty";
Dir::State::Lists "$DEPS/apt/lists";
Dir::Cache "$DEPS/apt/cache";
Acquire::Languages "none";
APT::Sandbox::User "root";
CONFIG
    } >"$DEPS/apt/apt.conf"
    for suite in "${SOURCE_RELEASES[@]}"; do
        echo "deb-src [signed-by=$keyring] $mirror $suite main"
        [ -z "$security" ] || echo "deb-src [signed-by=$keyring] $security $suite-security main"
    done >"$DEPS/apt/sources.list"
}

private_apt() {
    APT_CONFIG="$DEPS/apt/apt.conf" "$@"
}

# find_source NAME: prints "URI FILE SHA256 VERSION" of the newest upstream tarball in its series.
find_source() {
    local name version best='' series line
    name=$(source_package "$1")
    series=$(source_series "$1")
    while read -r version; do
        [ "${version#"$series"}" != "$version" ] || continue
        if [ -z "$best" ] || dpkg --compare-versions "$version" gt "$best"; then
            best=$version
        fi
    done < <(private_apt apt-cache showsrc --only-source "$name" | sed -n 's/^Version: //p')
    [ -n "$best" ] || fail "no source package $name of series ${series}x in ${SOURCE_RELEASES[*]}"
    line=$(private_apt apt-get source --print-uris --download-only -qq "$name=$best" |
        grep -E "\.orig\.tar\.[a-z0-9]+' " || true)
    [[ $(wc -l <<<"$line") -eq 1 && $line == *SHA256:* ]] ||
        fail "the index names no single upstream tarball with a SHA-256 for $name $best"
    sed -E "s/^'([^']+)' ([^ ]+) [0-9]+ SHA256:([0-9a-f]{64}).*/\1 \2 \3 $best/" <<<"$line"
}

fetch_source() {
    local name=$1 uri file sha256 version upstream target part strip=1 unpack=()
    read -r uri file sha256 version < <(find_source "$name")
    [ -n "$version" ] || fail "source package $name was not found"
    upstream=${version%-*}
    upstream=${upstream#*:}
    target="$DEPS/src/$name-$upstream" # of the package's version, also where what is taken has one of its own
    mkdir -p "$DEPS/archives" "$DEPS/src" "$DEPS/records"
    if ! echo "$sha256  $DEPS/archives/$file" | sha256sum --check --status 2>/dev/null; then
        private_apt /usr/lib/apt/apt-helper -qq download-file "$uri" "$DEPS/archives/$file" "SHA256:$sha256" >/dev/null ||
            fail "could not download $file"
        echo "$sha256  $DEPS/archives/$file" | sha256sum --check --status ||
            fail "$file does not have the SHA-256 of the signed index"
    fi
    rm -rf "$target" "$target.new"
    mkdir "$target.new"
    part=$(source_part "$name")
    if [ -n "$part" ]; then
        strip=$((2 + $(tr -cd / <<<"$part" | wc -c)))
        unpack=(--wildcards "*/$part/*")
    fi
    tar -x --strip-components="$strip" --no-same-owner -C "$target.new" -f "$DEPS/archives/$file" "${unpack[@]}"
    upstream=$(source_version "$name" "$target.new" | grep . || echo "$upstream")
    mv "$target.new" "$target"
    ln -sfn "src/${target##*/}" "$DEPS/$name"
    echo "$upstream $version $file $sha256" >"$DEPS/records/$name"
    say "$name $upstream (source package $(source_package "$name") $version)"
}

# Writes .deps/versions.json from the records of what is unpacked.
write_versions() {
    local name upstream version file sha256 separator=''
    {
        echo '{"sources": ['
        for name in "$DEPS"/records/*; do
            read -r upstream version file sha256 <"$name"
            printf '%s  {"name": "%s", "version": "%s", "source_package": "%s", "source_package_version": "%s", "file": "%s", "sha256": "%s"}' \
                "$separator" "${name##*/}" "$upstream" "$(source_package "${name##*/}")" "$version" "$file" "$sha256"
            separator=$',\n'
        done
        printf '\n]}\n'
    } >"$DEPS/versions.json.new"
    mv "$DEPS/versions.json.new" "$DEPS/versions.json"
}

fetch_sources() {
    local name
    say "fetching sources: $*"
    write_apt_configuration
    private_apt apt-get update -qq || fail "apt-get update failed with the configuration in .deps/apt"
    for name in "$@"; do
        fetch_source "$name"
    done
    write_versions
}
