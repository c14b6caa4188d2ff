/*
 * clock.c - what time it is, and how an instant is written.
 *
 * The only file that asks a clock. Must never use the C library's calendar:
 * it knows locales, locks and time zones; this is arithmetic.
 */
#include <config.h>

#include "base/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#ifdef REEVE_DEBUG
#include <stdatomic.h>
#endif

#include "base/bug.h"
#include "base/fd.h"

#define SECS_PER_DAY ((int64_t)86400)
/* 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z */
#define ISO_FIRST_S (-62167219200)
#define ISO_LAST_S  ((int64_t)253402300799)

#define BOOT_ID_LEN 36

#ifdef REEVE_DEBUG
/* Debug builds only, for tests that step the calendar of one process. */
static _Atomic int64_t debug_offset_us;
#endif

static int64_t
ask(clockid_t which)
{
	struct timespec ts;

	if (clock_gettime(which, &ts) < 0)
		BUG("clock %d: errno %d", (int)which, errno);
	return (int64_t)ts.tv_sec * USEC_PER_SEC + ts.tv_nsec / 1000;
}

int64_t
clock_real_us(void)
{
	return ask(CLOCK_REALTIME) + clock_debug_offset();
}

int64_t
clock_boot_us(void)
{
	return ask(CLOCK_BOOTTIME);
}

int64_t
clock_thread_us(void)
{
	return ask(CLOCK_THREAD_CPUTIME_ID);
}

void
clock_debug_offset_set(int64_t offset_us)
{
#ifdef REEVE_DEBUG
	atomic_store(&debug_offset_us, offset_us);
#else
	(void)offset_us;
#endif
}

int64_t
clock_debug_offset(void)
{
#ifdef REEVE_DEBUG
	return atomic_load(&debug_offset_us);
#else
	return 0;
#endif
}

/*
 * Days since 1970-01-01 of a proleptic Gregorian date and back, by eras of
 * 400 years with the year beginning in March (Howard Hinnant's
 * days_from_civil).
 */
static int64_t
days_from_civil(int64_t year, unsigned month, unsigned day)
{
	int64_t era, yoe, doy;

	if (month <= 2)
		year--;
	era = (year >= 0 ? year : year - 399) / 400;
	yoe = year - era * 400;
	doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

struct civil {
	unsigned year, month, day;
};

/* `days` is within the years 0000 to 9999. */
static void
civil_from_days(int64_t days, struct civil *ret)
{
	/* one era more, so that everything below is unsigned */
	unsigned z = (unsigned)(days + 719468 + 146097);
	unsigned era = z / 146097;
	unsigned doe = z % 146097;
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned mp = (5 * doy + 2) / 153;

	ret->day = doy - (153 * mp + 2) / 5 + 1;
	ret->month = mp < 10 ? mp + 3 : mp - 9;
	ret->year = yoe + era * 400 - 400 + (ret->month <= 2);
}

static char *
put2(char *p, unsigned v, char after)
{
	p[0] = (char)('0' + v / 10);
	p[1] = (char)('0' + v % 10);
	p[2] = after;
	return p + 3;
}

const char *
clock_iso_format(int64_t real_us, char out[CLOCK_ISO_BYTES])
{
	int64_t first = ISO_FIRST_S * USEC_PER_SEC;
	int64_t last = ISO_LAST_S * USEC_PER_SEC + USEC_PER_SEC - 1;
	struct civil c;
	unsigned sec, usec;
	uint64_t since;
	char *p = out;

	if (real_us < first)
		real_us = first;
	if (real_us > last)
		real_us = last;
	/* from the year 0, so that no division rounds the wrong way */
	since = (uint64_t)(real_us - first);
	usec = (unsigned)(since % USEC_PER_SEC);
	since /= USEC_PER_SEC;
	sec = (unsigned)(since % SECS_PER_DAY);
	civil_from_days(
	    (int64_t)(since / SECS_PER_DAY) + ISO_FIRST_S / SECS_PER_DAY, &c);

	p = put2(p, c.year / 100, '0') - 1;
	p = put2(p, c.year % 100, '-');
	p = put2(p, c.month, '-');
	p = put2(p, c.day, 'T');
	p = put2(p, sec / 3600, ':');
	p = put2(p, sec / 60 % 60, ':');
	p = put2(p, sec % 60, '.');
	*p++ = (char)('0' + usec / 100000);
	p = put2(p, usec / 1000 % 100, 'Z');
	*p = '\0';
	return out;
}

/* Exactly `count` digits; moves *p behind them. */
static bool
take_digits(const char **p, unsigned count, unsigned *ret)
{
	unsigned v = 0;

	for (; count > 0; count--, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		v = v * 10 + (unsigned)(**p - '0');
	}
	*ret = v;
	return true;
}

static bool
take_char(const char **p, const char *allowed)
{
	if (**p == '\0' || strchr(allowed, **p) == NULL)
		return false;
	(*p)++;
	return true;
}

static unsigned
days_in_month(unsigned year, unsigned month)
{
	static const unsigned char days[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		return 29;
	return days[month - 1];
}

static bool
take_date(const char **p, int64_t *ret_days)
{
	unsigned year, month, day;

	if (!take_digits(p, 4, &year) || !take_char(p, "-") ||
	    !take_digits(p, 2, &month) || !take_char(p, "-") ||
	    !take_digits(p, 2, &day))
		return false;
	if (month < 1 || month > 12 || day < 1 ||
	    day > days_in_month(year, month))
		return false;
	*ret_days = days_from_civil(year, month, day);
	return true;
}

/* Seconds of the day; a leap second (60) is told and counted as 59. */
static bool
take_time(const char **p, int64_t *ret_secs, bool *ret_leap)
{
	unsigned hour, minute, sec;

	if (!take_digits(p, 2, &hour) || !take_char(p, ":") ||
	    !take_digits(p, 2, &minute) || !take_char(p, ":") ||
	    !take_digits(p, 2, &sec))
		return false;
	if (hour > 23 || minute > 59 || sec > 60)
		return false;
	*ret_leap = sec == 60;
	*ret_secs = hour * 3600 + minute * 60 + sec - *ret_leap;
	return true;
}

/* ".5", ".004", up to 9 digits, or nothing; what is under 1 us is cut. */
static bool
take_fraction(const char **p, int64_t *ret_us)
{
	int64_t us = 0, unit = USEC_PER_SEC / 10;
	unsigned count = 0;

	*ret_us = 0;
	if (!take_char(p, "."))
		return true;
	for (; **p >= '0' && **p <= '9'; (*p)++, count++) {
		us += (**p - '0') * unit;
		unit /= 10;
	}
	*ret_us = us;
	return count >= 1 && count <= 9;
}

/* "Z" or "+02:00": seconds east of UTC. */
static bool
take_offset(const char **p, int64_t *ret_secs)
{
	unsigned hour, minute;
	int sign = **p == '-' ? -1 : 1;

	*ret_secs = 0;
	if (take_char(p, "Zz"))
		return true;
	if (!take_char(p, "+-") || !take_digits(p, 2, &hour) ||
	    !take_char(p, ":") || !take_digits(p, 2, &minute))
		return false;
	if (hour > 23 || minute > 59)
		return false;
	*ret_secs = sign * (int64_t)(hour * 3600 + minute * 60);
	return true;
}

int
clock_iso_parse(const char *text, int64_t *ret_real_us)
{
	const char *p = text;
	int64_t days, secs, us, offset;
	bool leap;

	/* RFC 3339 5.6: lower case and a space are allowed */
	if (!take_date(&p, &days) || !take_char(&p, "Tt ") ||
	    !take_time(&p, &secs, &leap) || !take_fraction(&p, &us) ||
	    !take_offset(&p, &offset) || *p != '\0')
		return -EINVAL;
	secs += days * SECS_PER_DAY - offset;
	/* a leap second ends a day of UTC; POSIX time has it as the next one */
	if (leap) {
		secs++;
		if (secs % SECS_PER_DAY != 0)
			return -EINVAL;
	}
	*ret_real_us = secs * USEC_PER_SEC + us;
	return 0;
}

const char *
clock_boot_id(void)
{
	static char id[BOOT_ID_LEN + 1];
	struct buf b;

	if (id[0] != '\0')
		return id;
	buf_init(&b, 64);
	if (fd_read_file("/proc/sys/kernel/random/boot_id", 64, false, &b) ==
		0 &&
	    b.len >= BOOT_ID_LEN)
		memcpy(id, b.data, BOOT_ID_LEN);
	buf_clear(&b);
	return id;
}
