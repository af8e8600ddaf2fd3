/* SPDX-License-Identifier: Apache-2.0 */
/* Instead of the one that CMake makes. */
#define SBS_VERSION_STRING "0"
