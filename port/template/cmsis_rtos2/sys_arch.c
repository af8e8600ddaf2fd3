/* SPDX-License-Identifier: Apache-2.0 */
/* lwIP's port to CMSIS-RTOS2 (lwIP's doc/sys_arch.txt). */
#include <cmsis_os2.h>
#include <lwip/opt.h>
#include <lwip/sys.h>

static uint32_t to_ticks(u32_t ms) {
    return (uint32_t)(((uint64_t)ms * osKernelGetTickFreq() + 999u) / 1000u);
}

/* lwIP's 0 means for ever. */
static uint32_t timeout_ticks(u32_t ms) {
    return ms == 0 ? osWaitForever : to_ticks(ms);
}

void sys_init(void) {
}

u32_t sys_now(void) {
    return (u32_t)((uint64_t)osKernelGetTickCount() * 1000u / osKernelGetTickFreq());
}

void sys_msleep(u32_t ms) {
    (void)osDelay(to_ticks(ms));
}

/* What it protects no interrupt touches. */
sys_prot_t sys_arch_protect(void) {
    return osKernelLock();
}

void sys_arch_unprotect(sys_prot_t was) {
    (void)osKernelRestoreLock(was);
}

/* ---- mutexes: the core lock is one, and is taken again by who has it -----------------------------------------------
 */

err_t sys_mutex_new(sys_mutex_t *mutex) {
    const osMutexAttr_t attributes = {.attr_bits = osMutexRecursive | osMutexPrioInherit};
    *mutex = osMutexNew(&attributes);
    return *mutex != NULL ? ERR_OK : ERR_MEM;
}

void sys_mutex_lock(sys_mutex_t *mutex) {
    (void)osMutexAcquire(*mutex, osWaitForever);
}

void sys_mutex_unlock(sys_mutex_t *mutex) {
    (void)osMutexRelease(*mutex);
}

void sys_mutex_free(sys_mutex_t *mutex) {
    (void)osMutexDelete(*mutex);
    *mutex = NULL;
}

/* ---- semaphores -------------------------------------------------------------------------------------------------- */

err_t sys_sem_new(sys_sem_t *sem, u8_t count) {
    *sem = osSemaphoreNew(UINT16_MAX, count, NULL);
    return *sem != NULL ? ERR_OK : ERR_MEM;
}

void sys_sem_signal(sys_sem_t *sem) {
    (void)osSemaphoreRelease(*sem);
}

u32_t sys_arch_sem_wait(sys_sem_t *sem, u32_t timeout) {
    u32_t began = sys_now();
    if (osSemaphoreAcquire(*sem, timeout_ticks(timeout)) != osOK) {
        return SYS_ARCH_TIMEOUT;
    }
    return sys_now() - began;
}

void sys_sem_free(sys_sem_t *sem) {
    (void)osSemaphoreDelete(*sem);
    *sem = NULL;
}

/* ---- mailboxes --------------------------------------------------------------------------------------------------- */

err_t sys_mbox_new(sys_mbox_t *mbox, int size) {
    *mbox = osMessageQueueNew((uint32_t)size, sizeof(void *), NULL);
    return *mbox != NULL ? ERR_OK : ERR_MEM;
}

void sys_mbox_post(sys_mbox_t *mbox, void *message) {
    (void)osMessageQueuePut(*mbox, &message, 0, osWaitForever);
}

err_t sys_mbox_trypost(sys_mbox_t *mbox, void *message) {
    return osMessageQueuePut(*mbox, &message, 0, 0) == osOK ? ERR_OK : ERR_MEM;
}

err_t sys_mbox_trypost_fromisr(sys_mbox_t *mbox, void *message) {
    return sys_mbox_trypost(mbox, message);
}

static u32_t fetch(sys_mbox_t *mbox, void **out_message, uint32_t ticks, u32_t otherwise) {
    void *message = NULL;
    u32_t began = sys_now();
    if (osMessageQueueGet(*mbox, &message, NULL, ticks) != osOK) {
        return otherwise;
    }

    if (out_message != NULL) {
        *out_message = message;
    }
    return sys_now() - began;
}

u32_t sys_arch_mbox_fetch(sys_mbox_t *mbox, void **out_message, u32_t timeout) {
    return fetch(mbox, out_message, timeout_ticks(timeout), SYS_ARCH_TIMEOUT);
}

u32_t sys_arch_mbox_tryfetch(sys_mbox_t *mbox, void **out_message) {
    return fetch(mbox, out_message, 0, SYS_MBOX_EMPTY);
}

void sys_mbox_free(sys_mbox_t *mbox) {
    (void)osMessageQueueDelete(*mbox);
    *mbox = NULL;
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

/* TCPIP_THREAD_PRIO is an osPriority_t here: define it, osPriorityAboveNormal say. */
sys_thread_t sys_thread_new(const char *name, lwip_thread_fn function, void *arg, int stack_size, int priority) {
    const osThreadAttr_t attributes = {
        .name = name, .stack_size = (uint32_t)stack_size, .priority = (osPriority_t)priority};
    return osThreadNew(function, arg, &attributes);
}
