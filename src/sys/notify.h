/*
 * notify.h - the service manager's protocol, sd_notify(3), where libsystemd
 * is built in; nothing otherwise.
 */
#ifndef REEVE_SYS_NOTIFY_H
#define REEVE_SYS_NOTIFY_H

#include <stdint.h>

void notify_ready(const char *status);
void notify_reloading(int64_t monotonic_us);
void notify_stopping(void);
void notify_status(const char *status);
/* How often notify_watchdog() is due, 0 when the manager wants none. */
int64_t notify_watchdog_us(void);
void notify_watchdog(void);

#endif
