# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scripts in tests/phases share: counting, and how a preset is built and tested. Source it first.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root" || exit 1
phase=${0##*/}
phase=${phase#*-}
passed=0
failed=0
skipped=0
export SBS_LONG=${SBS_LONG:-0}

# check WHAT COMMAND...: one test; its output is shown only when it fails.
check() {
    local what=$1 output
    shift
    if output=$("$@" 2>&1); then
        passed=$((passed + 1))
        echo "ok: $what"
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n%s\n' "$what" "$output"
    fi
}

# count PASSED FAILED [SKIPPED]: adds the results of tests that somebody else counted.
count() {
    passed=$((passed + $1))
    failed=$((failed + $2))
    skipped=$((skipped + ${3:-0}))
}

# count_from NAME LOG STATUS: the same from the closing line of a runner, "NAME: 3 passed, 0 failed, 1 skipped"; one that
# failed without counting it is a failure all the same.
count_from() {
    local good bad left
    read -r good bad left < <(sed -nE "s/^$1: ([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) skipped)?\$/\1 \2 \4/p" "$2" | tail -n 1; echo)
    count "${good:-0}" "${bad:-0}" "${left:-0}"
    [ "$3" -eq 0 ] || [ "${bad:-0}" -gt 0 ] || count 0 1
}

# finish: the closing line, and the exit status that goes with it.
finish() {
    echo "$phase: $passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
    exit
}

# logged WHAT LOG COMMAND...: runs it into a log; a failure shows the log's end and ends the phase.
logged() {
    local what=$1 log=build/test-logs/$2
    shift 2
    mkdir -p build/test-logs
    if ! "$@" >"$log" 2>&1; then
        grep -v -e '^\[' "$log" | tail -n 60
        echo "FAILED: $what ($log)"
        count 0 1
        finish
    fi
    echo "ok: $what"
}

# configure_preset PRESET: with the options in the array configure_options, if the phase has filled it.
configure_options=()
configure_preset() {
    local others=OFF brief=OFF
    if [ "$SBS_LONG" -ne 0 ]; then
        others=ON
    elif [[ " host asan " == *" $1 "* ]]; then # these compile every test
        brief=ON
    fi
    logged "configuration of preset $1" "configure-$1.log" \
        tools/lib/build-lock cmake --preset "$1" -DSBS_SANITIZE_OTHERS="$others" -DSBS_TESTS_BRIEF="$brief" "${configure_options[@]}"
}

# build_preset PRESET [OPTION...]: configures and builds it.
build_preset() {
    local preset=$1
    shift
    configure_preset "$preset"
    logged "build of preset $preset" "build-$preset.log" \
        tools/lib/build-lock cmake --build --preset "$preset" -j "$(nproc)" "$@"
}

# make_test_files: keys and certificates, which OpenSSL takes seconds to make, once for all test programs instead of once for
# each. They are made again after an hour, as some of the certificates are good for a day.
make_test_files() {
    local recent script folder
    mkdir -p build/made
    exec {lock}>build/made/.lock
    flock "$lock"
    recent=$(find build/made -mindepth 2 -maxdepth 2 -name whole -mmin -60 | head -n 1)
    if [ -z "$recent" ]; then
        find build/made -mindepth 1 -maxdepth 1 -type d -mmin +1440 -exec rm -rf {} +
        folder=$(mktemp -d build/made/XXXXXX)
        for script in make_certificates.sh make_keys.sh; do
            mkdir "$folder/$script"
            check "$script" "tests/support/$script" "$root/$folder/$script"
        done
        recent=$folder/whole
        : >"$recent"
    fi
    exec {lock}>&-
    export SBS_TEST_MADE=$root/${recent%/whole}
}

# ctest_preset PRESET [OPTION...]: runs its tests and counts them from ctest's own closing line.
ctest_preset() {
    local preset=$1 log line bad all not_run
    shift
    log=build/test-logs/ctest-$preset.log
    make_test_files
    ctest --preset "$preset" "$@" 2>&1 | tee "$log"
    line=$(grep -E 'tests passed, [0-9]+ tests failed out of [0-9]+' "$log" | tail -n 1)
    if [ -z "$line" ]; then
        echo "FAILED: ctest --preset $preset ran no test"
        count 0 1
        return
    fi
    read -r bad all < <(sed -E 's/.*, ([0-9]+) tests failed out of ([0-9]+).*/\1 \2/' <<<"$line")
    not_run=$(grep -cE '^[[:space:]]*[0-9]+ - .* \(Skipped\)$' "$log") # for ctest they have passed
    count $((all - bad - not_run)) "$bad" "$not_run"
}

# own_sources [PATTERN...]: files that git knows or would take up.
own_sources() {
    git ls-files --cached --others --exclude-standard --deduplicate -- "$@" | while read -r file; do
        [ ! -f "$file" ] || echo "$file"
    done
}
