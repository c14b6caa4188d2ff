/*
 * log_limit.c - the brake for lines that the world can cause at will.
 */
#include <config.h>

#include "base/log.h"

bool
log_limit_pass(
    struct log_limit *l, int64_t now_boot_us, uint64_t *ret_suppressed)
{
	if (now_boot_us - l->window_boot_us >= l->interval_us) {
		l->window_boot_us = now_boot_us;
		l->passed = 0;
	}
	if (l->passed >= l->burst) {
		l->suppressed++;
		return false;
	}
	l->passed++;
	*ret_suppressed = l->suppressed;
	l->suppressed = 0;
	return true;
}
