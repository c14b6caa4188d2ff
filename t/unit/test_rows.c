/*
 * test_rows.c - a history row as JSON, column by column and with hostile
 * texts; the newest rows of a job and the memory that all of them may take.
 */
#include <config.h>

#include "flow/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

#define T0 (INT64_C(1795046400) * USEC_PER_SEC) /* 2026-11-19T00:00:00Z */

/* A failed attempt that has everything. */
static const struct ledger_history full = {
    .id = 41,
    .job_name = "disk",
    .status = "failure",
    .started_at_us = T0 + 4999,
    .completed_at_us = T0 + 17 * USEC_PER_MSEC,
    .duration_ms = 12,
    .result = "{\"free\":[1,2]}",
    .error = "exit status 3: no space left",
    .created_at_us = T0 + 18 * USEC_PER_MSEC,
    .run_id = "0198c0de-0000-7000-8000-000000000001",
    .attempt = 2,
    .trigger = "catch-up",
    .scheduled_at_us = T0,
    .reason = "exit",
    .exit_code = 3,
    .signal = LEDGER_NULL,
    .node = "host1",
    .output = "not shown",
    .usage = "{}",
};

/* A skipped fire of a manual trigger: all that may be missing is. */
static const struct ledger_history bare = {
    .id = 1,
    .job_name = "disk",
    .status = "skipped",
    .started_at_us = T0,
    .completed_at_us = T0,
    .created_at_us = T0,
    .run_id = "r",
    .trigger = "manual",
    .scheduled_at_us = LEDGER_NULL,
    .exit_code = LEDGER_NULL,
    .signal = LEDGER_NULL,
    .node = "host1",
};

static void
check_print(const struct ledger_history *h, const char *text)
{
	struct row *r = row_new(h);
	struct buf out;

	buf_init(&out, 0);
	row_print(&out, h);
	assert_string_equal(buf_str(&out), text);
	assert_string_equal(r->json, text);
	assert_int_equal(r->len, strlen(text));
	buf_clear(&out);
	row_unref(r);
}

static void
test_print(void **state)
{
	struct ledger_history h = full;

	(void)state;
	check_print(&full,
	    "{\"id\":41,\"job_name\":\"disk\",\"status\":\"failure\","
	    "\"started_at\":\"2026-11-19T00:00:00.004Z\","
	    "\"completed_at\":\"2026-11-19T00:00:00.017Z\","
	    "\"duration_ms\":12,\"result\":{\"free\":[1,2]},"
	    "\"error\":\"exit status 3: no space left\","
	    "\"created_at\":\"2026-11-19T00:00:00.018Z\","
	    "\"run_id\":\"0198c0de-0000-7000-8000-000000000001\","
	    "\"attempt\":2,\"trigger\":\"catch-up\","
	    "\"scheduled_at\":\"2026-11-19T00:00:00.000Z\","
	    "\"reason\":\"exit\",\"exit_code\":3,\"signal\":null,"
	    "\"node\":\"host1\"}");
	check_print(&bare,
	    "{\"id\":1,\"job_name\":\"disk\",\"status\":\"skipped\","
	    "\"started_at\":\"2026-11-19T00:00:00.000Z\","
	    "\"completed_at\":\"2026-11-19T00:00:00.000Z\","
	    "\"duration_ms\":0,\"result\":null,\"error\":null,"
	    "\"created_at\":\"2026-11-19T00:00:00.000Z\",\"run_id\":\"r\","
	    "\"attempt\":0,\"trigger\":\"manual\",\"scheduled_at\":null,"
	    "\"reason\":null,\"exit_code\":null,\"signal\":null,"
	    "\"node\":\"host1\"}");
	/* A row joins what was printed before. */
	h.id = INT64_MAX;
	h.signal = 9;
	h.exit_code = 0;
	for (int i = 0; i < 2; i++) {
		struct buf out;

		buf_init(&out, 0);
		buf_addstr(&out, i == 0 ? "" : "[");
		row_print(&out, &h);
		assert_non_null(strstr(
		    buf_str(&out), "{\"id\":9223372036854775807,\"job_name\""));
		assert_non_null(
		    strstr(buf_str(&out), "\"exit_code\":0,\"signal\":9,"));
		buf_clear(&out);
	}
}

static void
test_hostile_error(void **state)
{
	struct ledger_history h = bare;
	struct row *r;

	(void)state;
	h.error = "a\"b\\c\nd\x1b[31m\xff\xe2\x80\xa8";
	r = row_new(&h);
	assert_non_null(
	    strstr(r->json, "\"error\":\"a\\\"b\\\\c\\nd\\u001b[31m"));
	assert_null(strpbrk(r->json, "\n\x1b\xff"));
	row_unref(r);
}

/* Where the result stands, for those who want it alone. */
static void
test_result_at(void **state)
{
	static const char *const results[] = {
	    "{\"free\":[1,2]}", "null", "\"null\"", "0", NULL};
	struct ledger_history h = full;

	(void)state;
	h.job_name = "\"result\":";
	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		const char *text = results[i] == NULL ? "null" : results[i];
		struct row *r;

		h.result = results[i];
		r = row_new(&h);
		assert_int_equal(r->result_len, strlen(text));
		assert_memory_equal(
		    r->json + r->result_at, text, r->result_len);
		assert_memory_equal(
		    r->json + r->result_at + r->result_len, ",\"error\"", 8);
		row_unref(r);
	}
}

static void
test_row(void **state)
{
	static const struct {
		const char *text;
		enum status status;
	} statuses[] = {
	    {"success", STATUS_SUCCESS},
	    {"failure", STATUS_FAILURE},
	    {"skipped", STATUS_SKIPPED},
	    {"what?", STATUS_FAILURE},
	};
	struct ledger_history h = full;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		struct row *r;

		h.status = statuses[i].text;
		r = row_new(&h);
		assert_int_equal(r->status, statuses[i].status);
		assert_int_equal(r->id, 41);
		assert_int_equal(r->completed_at_us, T0 + 17000);
		assert_int_equal(r->refs, 1);
		assert_ptr_equal(row_ref(r), r);
		assert_int_equal(r->refs, 2);
		row_unref(r);
		row_unref(r);
	}
	row_unref(NULL);
}

static struct row *
row_of(int64_t id)
{
	struct ledger_history h = full;

	h.id = id;
	return row_new(&h);
}

/* Newest first from `newest`, without a gap. */
static void
check_cache(const struct row_cache *c, int64_t newest, unsigned count)
{
	unsigned n = 0;

	for (const struct row *r = c->newest; r != NULL; r = r->older, n++)
		assert_int_equal(r->id, newest - n);
	assert_int_equal(n, count);
	assert_int_equal(c->count, count);
}

static void
test_cache(void **state)
{
	const int64_t much = 1000000;
	int64_t budget = much, taken;
	struct row_cache c = {0};
	struct row *held;

	(void)state;
	for (int64_t id = 100; id < 100 + ROWS_CACHED; id++) {
		row_cache_add(&c, row_of(id), &budget);
		check_cache(&c, id, (unsigned)(id - 99));
	}
	taken = much - budget;
	assert_int_equal(taken, (int64_t)ROWS_CACHED * c.newest->len);
	/* One is held elsewhere and outlives the cache, alone. */
	held = row_ref(c.newest->older->older);
	for (int64_t id = 100 + ROWS_CACHED; id < 400; id++) {
		row_cache_add(&c, row_of(id), &budget);
		check_cache(&c, id, ROWS_CACHED);
		assert_int_equal(much - budget, taken);
	}
	assert_false(c.trimmed);
	assert_int_equal(held->refs, 1);
	assert_null(held->older);
	assert_int_equal(held->id, 102);
	row_unref(held);
	row_cache_clear(&c, &budget);
	assert_int_equal(budget, much);
	assert_null(c.newest);
	check_cache(&c, 0, 0);
	row_cache_clear(&c, &budget);
	assert_int_equal(budget, much);
}

/* With no memory left only the newest row of each job is kept, always. */
static void
test_no_budget(void **state)
{
	struct row *r = row_of(100);
	int64_t len = r->len, budget = 2 * len + 1;
	struct row_cache a = {0}, b = {0};

	(void)state;
	row_cache_add(&a, r, &budget);
	row_cache_add(&b, row_of(100), &budget);
	check_cache(&a, 100, 1);
	check_cache(&b, 100, 1);
	assert_false(a.trimmed || b.trimmed);
	assert_int_equal(budget, 1);
	row_cache_add(&a, row_of(101), &budget);
	check_cache(&a, 101, 1);
	assert_true(a.trimmed);
	assert_false(b.trimmed);
	assert_int_equal(budget, 1);
	/* Exactly used up is not too much. */
	budget = len;
	row_cache_add(&a, row_of(102), &budget);
	check_cache(&a, 102, 2);
	assert_int_equal(budget, 0);
	/* Others took it: the newest stays although nothing is left. */
	budget = -5;
	row_cache_add(&b, row_of(101), &budget);
	check_cache(&b, 101, 1);
	assert_int_equal(budget, -5);
	row_cache_clear(&a, &budget);
	row_cache_clear(&b, &budget);
	assert_false(a.trimmed || b.trimmed);
	assert_int_equal(budget, -5 + 3 * len);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_print),
	    cmocka_unit_test(test_hostile_error),
	    cmocka_unit_test(test_result_at),
	    cmocka_unit_test(test_row),
	    cmocka_unit_test(test_cache),
	    cmocka_unit_test(test_no_budget),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
