/* SPDX-License-Identifier: Apache-2.0 */
/* lwIP's port to CMSIS-RTOS2: its types. Each is the kernel's handle, NULL where there is none. */
#ifndef MY_LWIP_SYS_ARCH_H
#define MY_LWIP_SYS_ARCH_H

#include <stddef.h>
#include <stdint.h>

typedef void *sys_mutex_t;
typedef void *sys_sem_t;
typedef void *sys_mbox_t;
typedef void *sys_thread_t;
typedef int32_t sys_prot_t;

#define sys_mutex_valid(mutex) (*(mutex) != NULL)
#define sys_mutex_set_invalid(mutex) (*(mutex) = NULL)
#define sys_sem_valid(sem) (*(sem) != NULL)
#define sys_sem_set_invalid(sem) (*(sem) = NULL)
#define sys_mbox_valid(mbox) (*(mbox) != NULL)
#define sys_mbox_set_invalid(mbox) (*(mbox) = NULL)

#endif
