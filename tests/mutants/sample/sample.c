/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

int sample_wiped;

static void first_wipe(void) {
    sample_wiped |= 1;
}

static void second_wipe(void) {
    sample_wiped |= 4;
}

int sample_middle(int low, int high) {
    return low + (high - low) / 2;
}

int sample_largest(const int *values, int count) {
    int largest = values[0];

    for (int i = 0; i < count; i++) {
        if (values[i] > largest) { /* >= finds the same value */
            largest = values[i];
        }
    }
    return largest;
}

void sample_forget(void) {
    first_wipe();
    second_wipe(); /* the test does not look for it */
}

int sample_unused(int value) {
    return value + 1;
}

#if 0
int sample_never(int value) {
    return value - 1;
}
#endif
