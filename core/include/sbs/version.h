/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file version.h
 * Version of the library, which the build reads from here. SemVer; what it promises stands in CHANGELOG.md.
 */
#ifndef SBS_VERSION_H
#define SBS_VERSION_H

#define SBS_VERSION_MAJOR 0
#define SBS_VERSION_MINOR 1
#define SBS_VERSION_PATCH 0
#define SBS_VERSION "0.1.0" /**< the three of them; the only line that CMake reads */

#endif
