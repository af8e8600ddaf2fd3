/* SPDX-License-Identifier: Apache-2.0 */
/* PSA's storage of keys as the platform has it: a folder of files on Linux, the flash on a board. Both assert. */
#ifndef KEY_STORAGE_H
#define KEY_STORAGE_H

void key_storage_open(void);
/* No key may be left. */
void key_storage_close(void);

#endif
