/*
 * notify.c - sd_notify(3), or nothing. Failures are not ours to handle: no
 * manager listens, or it will find out by itself.
 */
#include <config.h>

#include "sys/notify.h"

#ifdef HAVE_LIBSYSTEMD

#include <inttypes.h>
#include <systemd/sd-daemon.h>

#include "base/macros.h"

void
notify_ready(const char *status)
{
	(void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void
notify_reloading(int64_t monotonic_us)
{
	(void)sd_notifyf(
	    0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, monotonic_us);
}

void
notify_stopping(void)
{
	(void)sd_notify(0, "STOPPING=1");
}

void
notify_status(const char *status)
{
	(void)sd_notifyf(0, "STATUS=%s", status);
}

int64_t
notify_watchdog_us(void)
{
	uint64_t us;

	/* Half of what the manager waits, as sd_watchdog_enabled(3) advises. */
	if (sd_watchdog_enabled(0, &us) <= 0 || us / 2 > INT64_MAX)
		return 0;
	return (int64_t)(us / 2);
}

void
notify_watchdog(void)
{
	(void)sd_notify(0, "WATCHDOG=1");
}

#else

#include "base/macros.h"

void
notify_ready(const char *status UNUSED)
{
}

void
notify_reloading(int64_t monotonic_us UNUSED)
{
}

void
notify_stopping(void)
{
}

void
notify_status(const char *status UNUSED)
{
}

int64_t
notify_watchdog_us(void)
{
	return 0;
}

void
notify_watchdog(void)
{
}

#endif
