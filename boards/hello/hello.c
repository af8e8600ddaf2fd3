/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest program: shows that a board starts, prints, reads and ends. */
#include "sbs/baremetal_clock.h"
#include "sbs/baremetal_fault.h"
#include "sbs/baremetal_heap.h"
#include "sbs/baremetal_print.h"
#include "sbs/baremetal_stack.h"
#include "sbs/board.h"

int main(void) {
    sbs_baremetal_print("hello from %s\n", sbs_board_name());
    if (sbs_board_warning() != NULL) {
        sbs_baremetal_print("%s\n", sbs_board_warning());
    }
    sbs_baremetal_print_last_fault();
    sbs_baremetal_print("up %llu us, stack %zu of %zu, heap %zu\n", (unsigned long long)sbs_baremetal_us(),
                        sbs_baremetal_stack_high_water(), sbs_baremetal_stack_size(), sbs_baremetal_heap().size);
    return 0;
}
