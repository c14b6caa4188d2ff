/*
 * civil.h - days of the proleptic Gregorian calendar, as arithmetic. Day 0 is
 * 1970-01-01. Exact for every year an int64 of seconds can name.
 */
#ifndef REEVE_MODEL_CIVIL_H
#define REEVE_MODEL_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

#define CIVIL_DAY_S ((int64_t)86400)
/* The calendar, weekdays included, repeats after 400 years. */
#define CIVIL_CYCLE_DAYS ((int64_t)146097)
#define CIVIL_CYCLE_S	 (CIVIL_CYCLE_DAYS * CIVIL_DAY_S)

struct civil {
	int64_t year;
	int month; /* 1-12 */
	int day; /* 1-31 */
};

/* Quotient rounded down, for b > 0. */
static inline int64_t
civil_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Remainder in [0, b), for b > 0. */
static inline int64_t
civil_mod(int64_t a, int64_t b)
{
	int64_t r = a % b;

	return r < 0 ? r + b : r;
}

static inline bool
civil_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static inline int
civil_month_days(int64_t year, int month)
{
	if (month == 2)
		return civil_leap(year) ? 29 : 28;
	return 30 + ((month + (month >> 3)) & 1);
}

/* The day a date is. Years begin in March here, so a leap day comes last. */
static inline int64_t
civil_days(int64_t year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t cycle = civil_div(y, 400);
	int64_t yoc = y - cycle * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return cycle * CIVIL_CYCLE_DAYS + yoc * 365 + yoc / 4 - yoc / 100 +
	       doy - 719468;
}

/* The date a day is. */
static inline struct civil
civil_date(int64_t days)
{
	int64_t cycle = civil_div(days + 719468, CIVIL_CYCLE_DAYS);
	unsigned doc = (unsigned)(days + 719468 - cycle * CIVIL_CYCLE_DAYS);
	unsigned yoc = (doc - doc / 1460 + doc / 36524 - doc / 146096) / 365;
	unsigned doy = doc - (365 * yoc + yoc / 4 - yoc / 100);
	unsigned mp = (5 * doy + 2) / 153;
	struct civil c;

	c.day = (int)(doy - (153 * mp + 2) / 5 + 1);
	c.month = (int)(mp < 10 ? mp + 3 : mp - 9);
	c.year = (int64_t)yoc + cycle * 400 + (c.month <= 2);
	return c;
}

/* Sunday is 0. */
static inline int
civil_weekday(int64_t days)
{
	return (int)civil_mod(days + 4, 7);
}

#endif
