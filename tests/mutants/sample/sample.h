/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBS_SAMPLE_H
#define SBS_SAMPLE_H

extern int sample_wiped;

int sample_middle(int low, int high);
int sample_largest(const int *values, int count);
void sample_forget(void);
int sample_unused(int value);

#endif
