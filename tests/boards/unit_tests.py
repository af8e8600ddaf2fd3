# SPDX-License-Identifier: Apache-2.0
"""The unit tests as images on a board."""
import concurrent.futures
import os
import re
import subprocess
import tempfile
import time

from harness import HANG_S, ROOT, report, run

# What takes the emulator long is left to the long suite; all of it runs on the host in the short one.
HEAVY = {
    "test_base64url": "every_input_of_one_to_three_bytes_is_encoded",
    "test_date": "every_day_of_1600_to_9999_is_right:what_is_written_is_read_again",
    "test_decimal": "what_is_written_is_read_again",
    "test_engine_flash": "each_item_arrives_once_whatever_the_connection_does",
    "test_engine_server": "the_exchange_fails_at_every_byte",
    "test_flash_log": "each_bit_may_flip",
    "test_flash_queue": "power_is_cut_at_each_byte:power_is_cut_in_all_short_histories:power_is_cut_again_while_it_recovers",
    "test_flash_queue_bounds": "one_that_is_held_for_good:one_that_was_sent_and_is_never_answered:"
                               "many_stay_and_go_at_last:small_ones_behind_one_that_stays:more_items_than_there_are_bits",
    "test_flash_queue_limits": "a_quarter_of_a_megabyte_holds_two_thousand_items:a_full_queue_keeps_moving:"
                               "one_item_stays_while_thousands_pass:each_bit_may_flip",
    "test_flash_reads": "each_operation_of_the_queue:each_operation_of_the_storage",
    "test_flash_storage": "each_bit_may_flip:power_is_cut_at_each_byte:power_is_cut_in_all_short_histories:"
                          "power_is_cut_again_while_it_recovers",
    "test_http_reader": "test_damaged_messages",
    "test_http_request": "test_nothing_can_be_injected",
    "test_meter_record": "hostile_bytes_do_no_harm",
    "test_modem": "buffers_of_any_size_will_do:it_may_be_closed_at_any_moment:pieces_of_any_size_are_joined",
    "test_modem_lines": "asides_may_stand_anywhere:after_any_end_it_can_be_opened_again:each_command_may_go_unanswered:"
                        "a_line_in_the_middle_of_another_does_no_lasting_harm",
    "test_psa_key": "generates_keys_that_work",
    "test_rsa_public": "equals_for_random_moduli:equals_for_extreme_moduli",
    "test_meter_trouble": "one_failed_read_loses_nothing",
    "test_push_bad": "bad_items_hold_up_no_other_lane",
    "test_push_settle": "nothing_is_looked_for_too_early",
    "test_push_faults": "the_connection_breaks_at_every_byte",
}
HEAVY_AS_A_WHOLE = ("test_meter_cuts",)
RUNS = 3  # of each random history
SCENARIOS = 200  # of engine, client and a server that says anything

# Tests, by the beginnings of their names, that may need more RAM than the board has, which the linker then says. Others
# may not outgrow it unseen.
MAY_BE_TOO_LARGE = {
    "lm3s6965evb": ("test_client", "test_discovery_long", "test_engine", "test_exchange", "test_flash_queue", "test_json_grammar",
                    "test_meter", "test_observation_text", "test_push", "test_token"),
}
# These link, and allocate more than the heap that is left.
HEAP_TOO_SMALL = {
    "lm3s6965evb": ("test_flash_its", "test_flash_queue_bounds", "test_flash_queue_drop", "test_flash_queue_limits",
                    "test_flash_storage"),
}


def build(board, folder, targets):
    """Builds what fits of these; {name: why} of what does not fit. Anything else that fails is one failed test."""
    done = subprocess.run([ROOT / "tools" / "lib" / "build-lock", "cmake", "--build", folder, "-j", str(os.cpu_count()), "--target",
                           *targets, "--", "-k", "0"],
                          cwd=ROOT, capture_output=True, text=True, check=False)
    too_large = {}
    broken = []
    for part in re.split(r"^(?=FAILED: |\[\d+/\d+\])", done.stdout, flags=re.MULTILINE):
        image = re.match(r"FAILED: images/tests/(\w+)\.elf", part)
        over = re.findall(r"region `(\w+)' overflowed by (\d+) bytes", part)
        if image and over and "undefined reference" not in part:
            too_large[image[1]] = ", ".join(f"{int(size)} bytes more than its {name}" for name, size in over)
        elif part.startswith("FAILED: "):
            broken.append(part)
    complete = not broken and (done.returncode == 0 or too_large)
    report(complete, f"{board}: the unit tests build", "".join(broken)[-4000:] + done.stderr)
    return too_large


def run_one(board, image, is_long):
    name = image.stem
    skip = [f"skip={HEAVY[name]}"] if name in HEAVY else []
    arguments = [] if is_long else [*skip, f"SBS_FLASH_RUNS={RUNS}", f"SBS_SCENARIOS={SCENARIOS}"]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as flash:
        status, out, err = run(board, image, timeout=36000 if is_long else HANG_S, arg=arguments, flash_dir=flash)
    passed = re.search(r"^\[  PASSED  \] (\d+) test", out, re.MULTILINE)
    used = re.search(r"^used: (.*)$", out, re.MULTILINE)
    count = int(passed[1]) if passed else 0
    left_out = re.findall(r"^skipped: (\w+)$", out, re.MULTILINE)
    unknown = [] if is_long else sorted(set(HEAVY.get(name, "").split(":")) - {""} - set(left_out))
    fine = status == 0 and count > 0 and not err and not unknown
    lines = [text for text in out.splitlines() if not text.startswith(("[ RUN", "[       OK"))]
    seconds = time.monotonic() - began
    report(fine, f"{board} {name}: {count} tests in {seconds:.1f} s; {used[1] if used else 'no end'}",
           "\n".join([f"exit status {status}", *lines[-25:], err, *(f"no test is called {one}" for one in unknown)]))
    for one in left_out:
        print(f"left to the long suite: {name} {one}")


def unit_tests(board, folder, is_long, left, workers=2):
    """`left`: names of tests that fit no board before this one, None if there was none; the short suite builds and runs these
    only, and a test that fits a smaller board is in no doubt to fit a larger one. Returns what is left after this board."""
    if not is_long and left is not None and not left:
        print(f"left to the long suite on {board}: all unit tests, they ran on smaller boards")
        return left
    targets = ["board_tests"] if is_long or left is None else sorted(left)
    too_large = build(board, folder, targets)
    without_heap = [name for name in HEAP_TOO_SMALL.get(board, ()) if left is None or name in left]
    sources = {path.stem for path in (ROOT / "tests" / "unit").glob("test_*.c")}
    chosen = sources if targets == ["board_tests"] else left
    images = sorted(image for image in (folder / "images" / "tests").glob("test_*.elf")
                    if image.stem in chosen - set(too_large) - set(without_heap))
    for name, why in sorted(too_large.items()):
        print(f"not on {board}: {name} ({why})")
    for name in without_heap:
        print(f"not on {board}: {name} (simulates a flash larger than its heap)")
    outgrown = [name for name in too_large if not name.startswith(MAY_BE_TOO_LARGE.get(board, "nothing"))]
    report(not outgrown, f"{board}: {len(images)} of {len(images) + len(too_large) + len(without_heap)} unit tests fit",
           f"outgrew it: {outgrown}")
    if targets != ["board_tests"]:
        print(f"left to the long suite on {board}: the unit tests that ran on a smaller board")
    if not is_long:
        for image in [image for image in images if image.stem in HEAVY_AS_A_WHOLE]:
            print(f"left to the long suite: {image.stem}")
            images.remove(image)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda image: run_one(board, image, is_long), images))
    return set(too_large) | set(without_heap)
