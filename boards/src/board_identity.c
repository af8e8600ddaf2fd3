/* SPDX-License-Identifier: Apache-2.0 */
/* What the build knows of the board. */
#include "sbs/board.h"

const char *sbs_board_name(void) {
    return SBS_BOARD_NAME;
}

#if SBS_BOARD_IS_EMULATION_ONLY
/* platform/semihosting asks for this. */
extern const char sbs_board_is_emulation_only[];
const char sbs_board_is_emulation_only[] = "EMULATION ONLY: entropy and flash are the host's, nothing here is secret";

const char *sbs_board_warning(void) {
    return sbs_board_is_emulation_only;
}
#else
const char *sbs_board_warning(void) {
    return NULL;
}
#endif
