/*
 * cron_internal.h - what the files of cron.h share: the five fields, and
 * which days of a month an expression allows.
 */
#ifndef REEVE_MODEL_CRON_INTERNAL_H
#define REEVE_MODEL_CRON_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "model/civil.h"
#include "model/cron.h"

enum cron_field {
	CRON_MINUTE,
	CRON_HOUR,
	CRON_DOM,
	CRON_MONTH,
	CRON_DOW,
	CRON_FIELDS,
};

#define CRON_ALL_DOM 0xfffffffeu
#define CRON_ALL_DOW 0x7fu

/* Bits from `low` to `high`, both included, within 0-63. */
static inline uint64_t
cron_bits(int low, int high)
{
	return (~(uint64_t)0 >> (63 - high)) & (~(uint64_t)0 << low);
}

/* Both day fields are restricted, so that either is enough (cron(8)). */
static inline bool
cron_either_day(const struct cron *c)
{
	return !c->dom_star && !c->dow_star;
}

/* The days of a month, bits 1-31, that `c` allows; months are not looked at. */
static inline uint32_t
cron_days(const struct cron *c, int64_t year, int month)
{
	int first = civil_weekday(civil_days(year, month, 1));
	/* The weekdays' pattern six times over, from the weekday of day 1. */
	uint64_t weeks = (uint64_t)c->dow * 0x0810204081u >> first;
	uint32_t dow = (uint32_t)(weeks << 1);
	uint32_t month_days =
	    (uint32_t)cron_bits(1, civil_month_days(year, month));

	if (cron_either_day(c))
		return (c->dom | dow) & month_days;
	return c->dom & dow & month_days;
}

#endif
