/*
 * test_quota.c - usage by bucket and day of the service's zone: days of 23
 * and 25 hours, the service's own figures, restarts, workers that invent
 * names.
 */
#include <config.h>

#include "flow/quota.h"

#include "ledger_fixture.h"
#include "tzif.h"

#define US(iso) us_of(iso)

/* A service as everybody has it, one in UTC, and a ledger. */
struct world {
	struct fixture f;
	struct config config;
	struct quota_service services[2];
	struct quota_bucket youtube[2];
	struct quota_bucket other[1];
	struct zone *zone;
	struct quota *q;
};

static char n_youtube[] = "youtube", n_other[] = "other";
static char n_default[] = "default", n_search[] = "search_list";

static int64_t
us_of(const char *iso)
{
	int64_t us;

	assert_int_equal(clock_iso_parse(iso, &us), 0);
	return us;
}

static int
begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	fixture_dir(&w->f);
	fixture_open(&w->f);
	w->zone = tzif_footer_zone("PST8PDT,M3.2.0,M11.1.0");
	assert_non_null(w->zone);
	w->youtube[0] = (struct quota_bucket){.id = n_default, .limit = 10000};
	w->youtube[1] = (struct quota_bucket){.id = n_search, .limit = 100};
	w->other[0] = (struct quota_bucket){.id = n_search, .limit = 7};
	w->services[0] = (struct quota_service){.name = n_youtube,
	    .zone = w->zone,
	    .nbuckets = 2,
	    .buckets = w->youtube};
	w->services[1] = (struct quota_service){
	    .name = n_other, .nbuckets = 1, .buckets = w->other};
	w->config.nquotas = 1;
	w->config.quotas = w->services;
	w->q = quota_new();
	quota_configure(w->q, &w->config);
	*state = w;
	return 0;
}

static int
end(void **state)
{
	struct world *w = *state;

	quota_free(w->q);
	quota_free(NULL);
	fixture_close(&w->f);
	fixture_remove(&w->f);
	zone_free(w->zone);
	free(w);
	return 0;
}

static void
charge(struct world *w, const char *bucket, int64_t units, const char *iso)
{
	quota_charge(w->q, w->f.l, "youtube", bucket, units, US(iso));
}

/* The service says: units of `id`; -1 is not said. */
static void
learn(struct world *w, struct message_bucket said, const char *iso)
{
	struct message m = {.type = MESSAGE_QUOTA,
	    .service = n_youtube,
	    .nbuckets = 1,
	    .buckets = &said};

	quota_learn(w->q, &m, US(iso));
}

static struct message_bucket
nothing_said(void)
{
	return (struct message_bucket){.id = n_default,
	    .limit = -1,
	    .used = -1,
	    .reset_at_us = TIME_NEVER};
}

static struct message_bucket
used_said(int64_t used)
{
	struct message_bucket said = nothing_said();

	said.used = used;
	return said;
}

static char *
print(struct world *w, const char *iso)
{
	struct buf out;

	buf_init(&out, 0);
	quota_print(w->q, US(iso), &out);
	return buf_steal(&out);
}

static void
check_text(struct world *w, const char *iso, const char *text)
{
	char *got = print(w, iso);

	assert_string_equal(got, text);
	free(got);
}

/* It holds these texts. */
static void
check_has(struct world *w, const char *iso, const char *const *parts)
{
	char *got = print(w, iso);

	for (; *parts != NULL; parts++)
		if (strstr(got, *parts) == NULL)
			fail_msg("%s is not in %s", *parts, got);
	free(got);
}
#define HAS(w, iso, ...) \
	check_has(w, iso, (const char *const[]){__VA_ARGS__, NULL})

static void
test_nothing_used(void **state)
{
	check_text(*state, "2026-11-23T17:00:00.004Z",
	    "{\"youtube\":{\"used\":0,\"remaining\":10000,\"limit\":10000,"
	    "\"percentage\":0,\"resetAt\":\"2026-11-24T08:00:00.000Z\","
	    "\"source\":\"ledger\",\"asOf\":\"2026-11-23T17:00:00.004Z\","
	    "\"stale\":false,\"error\":null,\"buckets\":["
	    "{\"id\":\"default\",\"limit\":10000,\"used\":0,"
	    "\"remaining\":10000,\"exhausted\":false,"
	    "\"resetAt\":\"2026-11-24T08:00:00.000Z\"},"
	    "{\"id\":\"search_list\",\"limit\":100,\"used\":0,"
	    "\"remaining\":100,\"exhausted\":false,"
	    "\"resetAt\":\"2026-11-24T08:00:00.000Z\"}]}}");
}

static void
test_charge(void **state)
{
	static const char now[] = "2026-11-23T17:00:00Z";
	struct world *w = *state;

	charge(w, "default", 1, now);
	charge(w, "default", 1233, now);
	charge(w, "search_list", 99, now);
	HAS(w, now, "\"used\":1234,\"remaining\":8766,\"limit\":10000,",
	    "\"percentage\":12.3,",
	    "\"limit\":100,\"used\":99,\"remaining\":1,\"exhausted\":false");
	charge(w, "search_list", 1, now);
	HAS(w, now,
	    "\"limit\":100,\"used\":100,\"remaining\":0,\"exhausted\":true");
	charge(w, "search_list", 50, now);
	charge(w, "default", 0, now);
	HAS(w, now,
	    "\"limit\":100,\"used\":150,\"remaining\":0,\"exhausted\":true",
	    "\"used\":1234,\"remaining\":8766");
}

/* The day is the service's: it begins at its midnight, not at ours, and may
 * be of 23 or 25 hours. */
static void
test_days(void **state)
{
	static const struct {
		const char *first, *last, *reset;
	} days[] = {
	    {"2026-11-23T08:00:00Z", "2026-11-24T07:59:59.999999Z",
		"\"resetAt\":\"2026-11-24T08:00:00.000Z\""},
	    {"2026-07-01T07:00:00Z", "2026-07-02T06:59:59.999999Z",
		"\"resetAt\":\"2026-07-02T07:00:00.000Z\""},
	    /* 23 hours, then 25 */
	    {"2026-03-08T08:00:00Z", "2026-03-09T06:59:59.999999Z",
		"\"resetAt\":\"2026-03-09T07:00:00.000Z\""},
	    {"2026-11-01T07:00:00Z", "2026-11-02T07:59:59.999999Z",
		"\"resetAt\":\"2026-11-02T08:00:00.000Z\""},
	    /* end of the year */
	    {"2026-12-31T08:00:00Z", "2027-01-01T07:59:59.999999Z",
		"\"resetAt\":\"2027-01-01T08:00:00.000Z\""},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(days); i++) {
		int64_t before_us = US(days[i].first) - 1;

		quota_charge(
		    w->q, w->f.l, "youtube", "default", 5000, before_us);
		HAS(w, days[i].first, "{\"used\":0,", days[i].reset);
		charge(w, "default", 1, days[i].first);
		charge(w, "default", 2, days[i].last);
		HAS(w, days[i].last, "{\"used\":3,", days[i].reset);
	}
}

/* Both sides of the hours that are skipped and repeated are one day. */
static void
test_hours_of_change(void **state)
{
	struct world *w = *state;

	charge(w, "default", 1, "2026-03-08T09:59:59Z");
	charge(w, "default", 1, "2026-03-08T10:00:00Z");
	HAS(w, "2026-03-09T00:00:00Z", "{\"used\":2,");
	charge(w, "default", 1, "2026-11-01T08:30:00Z");
	charge(w, "default", 1, "2026-11-01T09:30:00Z");
	HAS(w, "2026-11-02T07:00:00Z", "{\"used\":2,");
}

/* Where midnight itself is skipped, the day begins after the gap. */
static void
test_no_midnight(void **state)
{
	struct world *w = *state;
	struct zone *chile =
	    tzif_footer_zone("<-04>4<-03>,M9.1.6/24,M4.1.6/24");

	assert_non_null(chile);
	w->services[0].zone = chile;
	/* 2026-09-06 begins at 01:00, which is 04:00 UTC. */
	HAS(w, "2026-09-06T03:59:59Z",
	    "\"resetAt\":\"2026-09-06T04:00:00.000Z\"");
	charge(w, "default", 9, "2026-09-06T03:59:59Z");
	HAS(w, "2026-09-06T04:00:00Z", "{\"used\":0,",
	    "\"resetAt\":\"2026-09-07T03:00:00.000Z\"");
	/* The hour before midnight is repeated: still the same day. */
	charge(w, "default", 1, "2026-04-05T02:30:00Z");
	charge(w, "default", 1, "2026-04-05T03:30:00Z");
	HAS(w, "2026-04-05T03:59:59Z", "{\"used\":2,",
	    "\"resetAt\":\"2026-04-05T04:00:00.000Z\"");
	w->services[0].zone = w->zone;
	zone_free(chile);
}

/* A board without a battery begins in 1970, and in the zone before it. */
static void
test_first_day_of_time(void **state)
{
	struct world *w = *state;

	charge(w, "default", 1, "1970-01-01T00:00:00Z");
	HAS(w, "1970-01-01T07:59:59Z", "{\"used\":1,",
	    "\"resetAt\":\"1970-01-01T08:00:00.000Z\"");
	HAS(w, "1970-01-01T08:00:00Z", "{\"used\":0,",
	    "\"resetAt\":\"1970-01-02T08:00:00.000Z\"");
}

/* The larger of both figures is the true one. */
static void
test_said_and_counted(void **state)
{
	static const char now[] = "2026-11-23T17:00:00Z";
	struct world *w = *state;
	struct message_bucket said = used_said(120);
	char source[] = "google";

	said.source = source;
	said.limit = 20000;
	charge(w, "default", 119, now);
	learn(w, said, "2026-11-23T16:00:00Z");
	HAS(w, now, "{\"used\":120,\"remaining\":19880,\"limit\":20000,",
	    "\"source\":\"google\",\"asOf\":\"2026-11-23T16:00:00.000Z\"");
	charge(w, "default", 1, now);
	HAS(w, now, "{\"used\":120,", "\"source\":\"ledger\"");
	charge(w, "default", 1, now);
	HAS(w, now, "{\"used\":121,\"remaining\":19879,",
	    "\"source\":\"ledger\",\"asOf\":\"2026-11-23T17:00:00.000Z\"");
	/* Said anew: the newest word of the day counts, also a smaller one. */
	learn(w, used_said(5000), now);
	learn(w, used_said(4000), now);
	HAS(w, now, "{\"used\":4000,", "\"source\":\"service\"");
	learn(w, used_said(0), now);
	HAS(w, now, "{\"used\":121,");
}

static void
test_said_yesterday(void **state)
{
	struct world *w = *state;
	struct message_bucket said = used_said(9999);

	said.limit = 50000;
	said.exhausted = true;
	learn(w, said, "2026-11-24T07:59:59Z");
	HAS(w, "2026-11-24T07:59:59Z", "{\"used\":9999,", "\"limit\":50000,",
	    "\"exhausted\":true");
	HAS(w, "2026-11-24T08:00:00Z", "{\"used\":0,\"remaining\":10000,",
	    "\"limit\":10000,\"used\":0,\"remaining\":10000,"
	    "\"exhausted\":false");
	/* What is said today brings nothing of yesterday back. */
	learn(w, nothing_said(), "2026-11-24T08:00:01Z");
	HAS(w, "2026-11-24T08:00:02Z", "{\"used\":0,\"remaining\":10000,",
	    "\"limit\":10000,\"used\":0,\"remaining\":10000,"
	    "\"exhausted\":false");
}

/* A service that only says it has had enough takes back no figure. */
static void
test_not_said(void **state)
{
	static const char now[] = "2026-11-23T17:00:00Z";
	struct world *w = *state;
	struct message_bucket said = used_said(9000);
	char source[] = "google";

	said.source = source;
	said.limit = 9500;
	said.reset_at_us = US("2026-11-24T08:00:05Z");
	learn(w, said, "2026-11-23T16:00:00Z");
	said = nothing_said();
	said.exhausted = true;
	learn(w, said, "2026-11-23T16:30:00Z");
	HAS(w, now, "{\"used\":9000,\"remaining\":500,\"limit\":9500,",
	    "\"source\":\"google\",\"asOf\":\"2026-11-23T16:00:00.000Z\"",
	    "\"exhausted\":true,\"resetAt\":\"2026-11-24T08:00:05.000Z\"");
	/* A reset that has passed is none to come. */
	said.reset_at_us = US("2026-11-23T16:59:59Z");
	learn(w, said, "2026-11-23T16:45:00Z");
	HAS(w, now, "\"resetAt\":\"2026-11-24T08:00:00.000Z\"");
}

static void
test_unknown_buckets(void **state)
{
	static const char now[] = "2026-11-23T17:00:00Z";
	struct world *w = *state;
	struct message_bucket said = used_said(3);
	char invented[] = "invented";

	charge(w, "uploads", 4, now);
	said.id = invented;
	learn(w, said, now);
	HAS(w, now,
	    "{\"id\":\"uploads\",\"limit\":null,\"used\":4,"
	    "\"remaining\":null,\"exhausted\":false,",
	    "{\"id\":\"invented\",\"limit\":null,\"used\":3,"
	    "\"remaining\":null,\"exhausted\":false,",
	    "{\"youtube\":{\"used\":0,");
	/* The service tells its limit. */
	said.limit = 3;
	learn(w, said, now);
	HAS(w, now,
	    "{\"id\":\"invented\",\"limit\":3,\"used\":3,"
	    "\"remaining\":0,\"exhausted\":true,");
}

/* A service without a bucket "default": it is asked for at the top, but
 * asking does not make one. */
static void
test_no_default_bucket(void **state)
{
	struct world *w = *state;

	w->config.quotas = &w->services[1];
	for (int i = 0; i < 2; i++)
		check_text(w, "2026-11-23T17:00:00Z",
		    "{\"other\":{\"used\":0,\"remaining\":null,\"limit\":null,"
		    "\"percentage\":null,"
		    "\"resetAt\":\"2026-11-24T00:00:00.000Z\","
		    "\"source\":\"ledger\","
		    "\"asOf\":\"2026-11-23T17:00:00.000Z\","
		    "\"stale\":false,\"error\":null,\"buckets\":["
		    "{\"id\":\"search_list\",\"limit\":7,\"used\":0,"
		    "\"remaining\":7,\"exhausted\":false,"
		    "\"resetAt\":\"2026-11-24T00:00:00.000Z\"}]}}");
}

static void
test_no_service(void **state)
{
	struct world *w = *state;

	w->config.nquotas = 0;
	charge(w, "default", 4, "2026-11-23T17:00:00Z");
	check_text(w, "2026-11-23T17:00:00Z", "{}");
}

/* A limit of 0 is a limit. */
static void
test_limit_0(void **state)
{
	struct world *w = *state;

	w->youtube[0].limit = 0;
	HAS(w, "2026-11-23T17:00:00Z",
	    "{\"used\":0,\"remaining\":0,\"limit\":0,\"percentage\":null,",
	    "\"limit\":0,\"used\":0,\"remaining\":0,\"exhausted\":true");
}

/* The other daemon of this test: it knows what the ledger does. */
static void
restart(struct world *w, const char *iso)
{
	fixture_commit(&w->f);
	quota_free(w->q);
	w->q = quota_new();
	quota_configure(w->q, &w->config);
	assert_int_equal(quota_load(w->q, w->f.l, US(iso)), 0);
}

static void
test_restart(void **state)
{
	struct world *w = *state;

	w->config.nquotas = 2;
	charge(w, "default", 100, "2026-11-23T07:59:59Z"); /* the 22nd */
	charge(w, "default", 20, "2026-11-23T08:00:00Z");
	charge(w, "default", 3, "2026-11-24T07:59:59Z");
	charge(w, "uploads", 8, "2026-11-24T07:59:59Z");
	quota_charge(w->q, w->f.l, "other", "search_list", 2,
	    US("2026-11-23T23:59:59Z"));
	quota_charge(w->q, w->f.l, "other", "search_list", 1,
	    US("2026-11-24T07:59:59Z"));
	for (int i = 0; i < 2; i++) {
		/* The 23rd in Los Angeles, the 24th elsewhere. */
		restart(w, "2026-11-24T07:59:59Z");
		HAS(w, "2026-11-24T07:59:59Z", "{\"youtube\":{\"used\":23,",
		    "\"id\":\"uploads\",\"limit\":null,\"used\":8,",
		    "\"limit\":7,\"used\":1,\"remaining\":6");
	}
	charge(w, "default", 1, "2026-11-24T07:59:59.5Z");
	HAS(w, "2026-11-24T07:59:59.6Z", "{\"youtube\":{\"used\":24,");
	restart(w, "2026-11-24T08:00:00Z");
	HAS(w, "2026-11-24T08:00:00Z", "{\"youtube\":{\"used\":0,");
}

static size_t
count_of(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)) != NULL; text++)
		n++;
	return n;
}

/* A worker that invents names costs neither memory nor time without end, and
 * what is configured is counted all the same. */
static void
test_invented_without_end(void **state)
{
	static const char now[] = "2026-11-23T17:00:00Z";
	struct world *w = *state;
	char *text;

	for (int i = 0; i < 20000; i++) {
		struct message_bucket said = used_said(1);
		char id[32];

		(void)snprintf(id, sizeof(id), "invented-%d", i);
		said.id = id;
		learn(w, said, now);
	}
	charge(w, "yet-another", 5, now);
	charge(w, "search_list", 5, now);
	learn(w, used_said(77), now);
	HAS(w, now, "{\"youtube\":{\"used\":77,",
	    "\"limit\":100,\"used\":5,\"remaining\":95");
	text = print(w, now);
	assert_in_range(count_of(text, "\"id\":"), 3, 2000);
	free(text);
	/* The ledger has all that was charged. */
	fixture_commit(&w->f);
	assert_int_equal(fixture_sql(&w->f, "SELECT sum(units) FROM usage"
					    " WHERE bucket = 'yet-another'"),
	    5);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_nothing_used),
	    TEST(test_charge),
	    TEST(test_days),
	    TEST(test_hours_of_change),
	    TEST(test_no_midnight),
	    TEST(test_first_day_of_time),
	    TEST(test_said_and_counted),
	    TEST(test_said_yesterday),
	    TEST(test_not_said),
	    TEST(test_unknown_buckets),
	    TEST(test_no_default_bucket),
	    TEST(test_no_service),
	    TEST(test_limit_0),
	    TEST(test_restart),
	    TEST(test_invented_without_end),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
