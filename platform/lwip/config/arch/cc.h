/* SPDX-License-Identifier: Apache-2.0 */
/* lwIP's compiler and machine, for GCC and clang on any little- or big-endian target. */
#ifndef SBS_LWIP_ARCH_CC_H
#define SBS_LWIP_ARCH_CC_H

#define BYTE_ORDER __BYTE_ORDER__
#ifndef LITTLE_ENDIAN
#define LITTLE_ENDIAN __ORDER_LITTLE_ENDIAN__
#endif
#ifndef BIG_ENDIAN
#define BIG_ENDIAN __ORDER_BIG_ENDIAN__
#endif

#define LWIP_NO_UNISTD_H 1
#define LWIP_NO_CTYPE_H 1 /* its table takes 257 bytes, and names are ASCII */

/* lwIP's port to Unix expects this type here; ports to RTOSes define it in sys_arch.h. */
#ifdef SBS_LWIP_UNIX
typedef unsigned int sys_prot_t;
#endif

#ifdef __cplusplus
extern "C" {
#endif
unsigned int sbs_lwip_random(void);
#ifdef __cplusplus
}
#endif
#define LWIP_RAND() (sbs_lwip_random())

#endif
