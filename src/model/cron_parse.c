/*
 * cron_parse.c - the text of a cron expression into sets. Each refusal names
 * the field and the column, and where there is one, the right way to write it.
 */
#include <config.h>

#include "model/cron.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/bug.h"
#include "model/cron_internal.h"

#define MAX_TEXT   1000
#define MAX_NUMBER 9999

static const char *const month_names[] = {"JAN", "FEB", "MAR", "APR", "MAY",
    "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
static const char *const day_names[] = {
    "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

static const struct field {
	const char *name;
	int min, max;
	int max_number; /* as written: 7 is Sunday too */
	const char *const *names; /* of min, min + 1, … or NULL */
} fields[CRON_FIELDS] = {
    [CRON_MINUTE] = {"minute", 0, 59, 59, NULL},
    [CRON_HOUR] = {"hour", 0, 23, 23, NULL},
    [CRON_DOM] = {"day of month", 1, 31, 31, NULL},
    [CRON_MONTH] = {"month", 1, 12, 12, month_names},
    [CRON_DOW] = {"day of week", 0, 6, 7, day_names},
};

static const struct {
	const char *word, *text;
} words[] = {
    {"@hourly", "0 * * * *"},
    {"@daily", "0 0 * * *"},
    {"@midnight", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"},
    {"@monthly", "0 0 1 * *"},
    {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
};

struct parser {
	const char *text; /* for columns */
	const char *p, *end; /* of the field */
	const struct field *field;
	struct cron_error *err;
};

/* One element of a list. */
struct range {
	const char *at;
	int low, high, step;
	bool low_named, high_named;
};

static int fail(struct parser *ps, const char *at, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static int
fail(struct parser *ps, const char *at, const char *fmt, ...)
{
	struct cron_error *err = ps->err;
	size_t used = 0;
	va_list ap;

	err->column = (unsigned)(at - ps->text) + 1;
	if (ps->field != NULL) {
		int n = snprintf(err->message, sizeof(err->message),
		    "%s: ", ps->field->name);

		BUG_ON(n < 0 || (size_t)n >= sizeof(err->message));
		used = (size_t)n;
	}
	va_start(ap, fmt);
	/* A message that is too long is cut, which is fine. */
	(void)vsnprintf(
	    err->message + used, sizeof(err->message) - used, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static bool
is_space(char ch)
{
	return ch == ' ' || ch == '\t';
}

static bool
is_digit(char ch)
{
	return ch >= '0' && ch <= '9';
}

static bool
is_alpha(char ch)
{
	return (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z');
}

static bool
eat(struct parser *ps, char want)
{
	if (ps->p == ps->end || *ps->p != want)
		return false;
	ps->p++;
	return true;
}

static int
fail_unexpected(struct parser *ps)
{
	unsigned char ch;

	if (ps->p == ps->end || *ps->p == ',')
		return fail(ps, ps->p, "a value is missing");
	ch = (unsigned char)*ps->p;
	if (ch <= ' ' || ch > '~')
		return fail(ps, ps->p, "unexpected byte 0x%02x", ch);
	if (ch == '?')
		return fail(ps, ps->p, "unexpected '?'; use *");
	return fail(ps, ps->p, "unexpected '%c'", ch);
}

static int
eat_number(struct parser *ps, int min, int max, const char *what, int *ret)
{
	const char *at = ps->p;
	int value = 0;

	if (at == ps->end || !is_digit(*at))
		return fail_unexpected(ps);
	for (; ps->p < ps->end && is_digit(*ps->p); ps->p++)
		if (value <= MAX_NUMBER)
			value = value * 10 + (*ps->p - '0');
	if (value < min || value > max)
		return fail(ps, at, "%s%.*s is not within %d-%d", what,
		    ps->p - at > 12 ? 12 : (int)(ps->p - at), at, min, max);
	*ret = value;
	return 0;
}

static int
eat_name(struct parser *ps, int *ret)
{
	const struct field *f = ps->field;
	const char *at = ps->p;
	int len, i;

	while (ps->p < ps->end && is_alpha(*ps->p))
		ps->p++;
	len = ps->p - at > 12 ? 12 : (int)(ps->p - at);
	if (f->names == NULL)
		return fail(ps, at, "unexpected '%.*s'", len, at);
	for (i = f->min; i <= f->max; i++) {
		const char *name = f->names[i - f->min];

		if (len == 3 && strncasecmp(at, name, 3) == 0) {
			*ret = i;
			return 0;
		}
	}
	return fail(ps, at, "unknown name '%.*s'; names are %s to %s", len, at,
	    f->names[0], f->names[f->max - f->min]);
}

static int
eat_value(struct parser *ps, int *ret, bool *ret_named)
{
	*ret_named = ps->p < ps->end && is_alpha(*ps->p);
	if (*ret_named)
		return eat_name(ps, ret);
	return eat_number(ps, ps->field->min, ps->field->max_number, "", ret);
}

static const char *
range_text(int low, int high, char out[16])
{
	int n = low == high ? snprintf(out, 16, "%d", low)
			    : snprintf(out, 16, "%d-%d", low, high);

	BUG_ON(n < 0 || n >= 16);
	return out;
}

/* Says how the two halves of a range over the end would be written. */
static int
fail_backwards(struct parser *ps, const struct range *r)
{
	const struct field *f = ps->field;
	bool sunday_ends = f->max_number > f->max && r->high == f->min;
	bool sunday_begins = r->low > f->max;
	char upper[16], lower[16];

	range_text(r->low, sunday_ends ? f->max_number : f->max, upper);
	range_text(f->min, r->high, lower);
	return fail(ps, r->at, "range %.*s runs backwards; use %s%s%s",
	    ps->p - r->at > 16 ? 16 : (int)(ps->p - r->at), r->at,
	    sunday_begins ? "" : upper, sunday_begins || sunday_ends ? "" : ",",
	    sunday_begins || !sunday_ends ? lower : "");
}

/* "*" or "low" or "low-high" */
static int
eat_bounds(struct parser *ps, struct range *r, bool *ret_single)
{
	const struct field *f = ps->field;
	int err;

	*ret_single = false;
	if (eat(ps, '*')) {
		r->low = f->min;
		r->high = f->max;
		return 0;
	}
	err = eat_value(ps, &r->low, &r->low_named);
	if (err != 0)
		return err;
	r->high = r->low;
	if (!eat(ps, '-')) {
		*ret_single = true;
		return 0;
	}
	err = eat_value(ps, &r->high, &r->high_named);
	if (err != 0)
		return err;
	/* MON-SUN means what it says. */
	if (r->high_named && r->high < r->low && r->high == f->min)
		r->high = f->max_number > f->max ? f->max_number : r->high;
	return r->low <= r->high ? 0 : fail_backwards(ps, r);
}

static int
eat_range(struct parser *ps, struct range *r)
{
	const struct field *f = ps->field;
	bool single;
	int err;

	*r = (struct range){.at = ps->p, .step = 1};
	err = eat_bounds(ps, r, &single);
	if (err != 0 || !eat(ps, '/'))
		return err;
	err = eat_number(ps, 1, f->max - f->min + 1, "step ", &r->step);
	if (err == 0 && single)
		return fail(ps, r->at, "a step needs a range; use %d-%d/%d",
		    r->low, r->low > f->max ? r->low : f->max, r->step);
	return err;
}

static int
eat_field(struct parser *ps, uint64_t *ret_bits, bool *ret_star)
{
	uint64_t bits = 0;
	struct range r;
	int err, i;

	*ret_star = *ps->p == '*';
	do {
		err = eat_range(ps, &r);
		if (err != 0)
			return err;
		for (i = r.low; i <= r.high; i += r.step)
			bits |= (uint64_t)1 << i;
	} while (eat(ps, ','));
	if (ps->p != ps->end)
		return fail_unexpected(ps);
	*ret_bits = bits;
	return 0;
}

/* Cuts the text into fields: where each begins and ends. Those that are not
 * there are empty. */
static int
split(struct parser *ps, const char *text, const char *begin[CRON_FIELDS],
    const char *end[CRON_FIELDS])
{
	const char *p = text, *extra = NULL;
	int n;

	for (n = 0; n < CRON_FIELDS; n++)
		begin[n] = end[n] = text;
	for (n = 0;;) {
		while (is_space(*p))
			p++;
		if (*p == '\0')
			break;
		if (n < CRON_FIELDS)
			begin[n] = p;
		else if (n == CRON_FIELDS)
			extra = p;
		while (*p != '\0' && !is_space(*p))
			p++;
		if (n < CRON_FIELDS)
			end[n] = p;
		n++;
	}
	if (n == 0)
		return fail(ps, text, "the schedule is empty");
	if (n < CRON_FIELDS)
		return fail(ps, p,
		    "%d of 5 fields (minute hour day-of-month month "
		    "day-of-week): %s is missing",
		    n, fields[n].name);
	if (n == CRON_FIELDS + 1)
		return fail(ps, extra,
		    "6 fields: seconds are not accepted; write minute hour "
		    "day-of-month month day-of-week");
	if (n > CRON_FIELDS)
		return fail(ps, extra,
		    "%d fields: write five (minute hour day-of-month month "
		    "day-of-week)",
		    n);
	return 0;
}

static bool
ever_fires(const struct cron *c)
{
	int m;

	/* Every date falls on every weekday within a cycle of 400 years. */
	for (m = 1; m <= 12; m++)
		if ((c->months >> m & 1) &&
		    (cron_either_day(c) ||
			(c->dom & cron_bits(1, civil_month_days(2000, m)))))
			return true;
	return false;
}

static int
parse_word(struct parser *ps, struct cron *ret)
{
	const char *end = ps->p;
	size_t i, len;

	while (*end != '\0' && !is_space(*end))
		end++;
	len = (size_t)(end - ps->p);
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (len != strlen(words[i].word) ||
		    strncasecmp(ps->p, words[i].word, len) != 0)
			continue;
		while (is_space(*end))
			end++;
		if (*end != '\0')
			return fail(
			    ps, end, "nothing may follow %s", words[i].word);
		return cron_parse(words[i].text, ret, ps->err);
	}
	return fail(ps, ps->p,
	    "unknown word; use @hourly, @daily, @weekly, @monthly, @yearly, "
	    "@every DURATION or @reboot");
}

int
cron_parse(const char *text, struct cron *ret, struct cron_error *err)
{
	struct parser ps = {.text = text, .err = err};
	const char *begin[CRON_FIELDS], *end[CRON_FIELDS];
	uint64_t bits[CRON_FIELDS];
	bool star[CRON_FIELDS];
	struct cron c;
	int i, r;

	if (strnlen(text, MAX_TEXT + 1) > MAX_TEXT)
		return fail(&ps, text + MAX_TEXT, "longer than %d characters",
		    MAX_TEXT);
	ps.p = text + strspn(text, " \t");
	if (*ps.p == '@')
		return parse_word(&ps, ret);
	r = split(&ps, text, begin, end);
	for (i = 0; r == 0 && i < CRON_FIELDS; i++) {
		ps.field = &fields[i];
		ps.p = begin[i];
		ps.end = end[i];
		r = eat_field(&ps, &bits[i], &star[i]);
	}
	if (r != 0)
		return r;
	c = (struct cron){
	    .seconds = 1,
	    .minutes = bits[CRON_MINUTE],
	    .hours = (uint32_t)bits[CRON_HOUR],
	    .dom = (uint32_t)bits[CRON_DOM],
	    .months = (uint16_t)bits[CRON_MONTH],
	    .dow = (bits[CRON_DOW] | bits[CRON_DOW] >> 7) & CRON_ALL_DOW,
	    .dom_star = star[CRON_DOM],
	    .dow_star = star[CRON_DOW],
	    .hour_star = star[CRON_HOUR],
	};
	ps.field = &fields[CRON_DOM];
	if (!ever_fires(&c))
		return fail(&ps, begin[CRON_DOM],
		    "no such day in these months: it would never fire");
	*ret = c;
	return 0;
}
