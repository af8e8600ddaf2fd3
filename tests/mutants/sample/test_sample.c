/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

int main(void) {
    static const int values[] = {3, 9, 4, 1000};

    if (sample_middle(10, 21) != 15 || sample_largest(values, 3) != 9) {
        return 1;
    }
    sample_forget();
    return (sample_wiped & 1) == 0;
}
