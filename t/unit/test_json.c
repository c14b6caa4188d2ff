/*
 * test_json.c - places, refusals and their words, slices, deferred elements.
 */
#include <config.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"

static const struct json_opts with_comments = {.comments = true};

static struct json *
parse_opts(const char *text, const struct json_opts *opts)
{
	struct json *v = NULL;
	struct json_error err;

	if (json_parse(text, strlen(text), opts, &v, &err) != 0)
		fail_msg("%s: %u:%u: %s", text, err.line, err.col, err.message);
	return v;
}

/* Must be refused at line:col with a message that has `part` in it. */
static void
refused_opts(const char *text, size_t len, const struct json_opts *opts,
    unsigned line, unsigned col, const char *part)
{
	struct json *v = NULL;
	struct json_error err;

	if (json_parse(text, len, opts, &v, &err) == 0) {
		json_free(v);
		fail_msg("taken: %s", text);
	}
	if (strstr(err.message, part) == NULL || err.line != line ||
	    err.col != col)
		fail_msg("%s: %u:%u: %s (wanted %u:%u: %s)", text, err.line,
		    err.col, err.message, line, col, part);
}

static void
refused(const char *text, unsigned line, unsigned col, const char *part)
{
	refused_opts(text, strlen(text), NULL, line, col, part);
}

static void
assert_place(const struct json *v, unsigned line, unsigned col)
{
	assert_non_null(v);
	assert_int_equal(v->line, line);
	assert_int_equal(v->col, col);
}

static void
test_places(void **state)
{
	static const char text[] =
	    "// head\n"
	    "{ \"a\" : 1, /* , : \" */ \"b\":\n"
	    "\t[true, \"x\\n,\", {\"c\": null}],\n"
	    "  \"\xc3\xa4\": \"\xc3\xb6\", \"d\": -1.5e3 }";
	struct json *v = parse_opts(text, &with_comments);
	const struct json *b, *c;

	(void)state;
	assert_place(v, 2, 1);
	assert_int_equal(v->len, 4);
	assert_place(json_get(v, "a"), 2, 9);
	b = json_get(v, "b");
	assert_place(b, 3, 2);
	assert_int_equal(b->key_line, 2);
	assert_int_equal(b->key_col, 24);
	assert_place(b->child, 3, 3);
	assert_place(b->child->next, 3, 9);
	assert_string_equal(b->child->next->text, "x\n,");
	c = json_get(b->child->next->next, "c");
	assert_place(c, 3, 23);
	assert_int_equal(c->type, JSON_NULL);
	/* columns are characters, not bytes */
	assert_place(json_get(v, "\xc3\xa4"), 4, 8);
	assert_place(json_get(v, "d"), 4, 18);
	assert_int_equal(json_get(v, "d")->src_len, 6);
	assert_memory_equal(
	    b->src, "[true, \"x\\n,\", {\"c\": null}]", b->src_len);
	assert_int_equal(b->src_len, 27);
	json_free(v);
}

static void
test_start_place(void **state)
{
	struct json_opts opts = {.line = 7, .col = 20};
	struct json *v = parse_opts("[1,\n2]", &opts);

	(void)state;
	assert_place(v, 7, 20);
	assert_place(v->child, 7, 21);
	assert_place(v->child->next, 8, 1);
	json_free(v);
}

static void
test_commas_and_brackets(void **state)
{
	(void)state;
	refused("[1, 2, ]", 1, 6, "trailing comma before ]");
	refused("{\"a\": 1,\n}", 1, 8, "trailing comma before }");
	refused("[1,,2]", 1, 4, "two commas");
	refused("[,1]", 1, 2, "unexpected character \",\"");
	refused("[1 2]", 1, 4, "comma is missing");
	refused("{\"a\":1 \"b\":2}", 1, 8, "comma is missing");
	refused("[1}", 1, 3, "} closes the array that begins in line 1");
	refused("{\"a\":[1}", 1, 8, "] is expected");
	refused("{\"a\" 1}", 1, 6, "colon is missing");
	refused("{\"a\":}", 1, 6, "where a value is expected");
	refused("{a:1}", 1, 2, "key in double quotes");
	refused("{\"a\":1, b:2}", 1, 9, "key in double quotes");
	refused("{1:1}", 1, 2, "key in double quotes");
	refused("[1]\n\n[2]", 3, 1, "more text after");
	refused("1 1", 1, 3, "more text after");
	refused("", 1, 1, "no value");
	refused(" \n ", 2, 2, "no value");
	refused("\n[\n{\"a\":1\n", 4, 1, "object that begins in line 3");
	refused("[", 1, 2, "array that begins in line 1");
	refused("{\"a\":", 1, 6, "too early");
	refused("{\"a\"", 1, 5, "too early");
	refused("]", 1, 1, "where a value is expected");
}

static void
test_words_and_numbers(void **state)
{
	(void)state;
	refused("[nul]", 1, 2, "unknown word \"nul\"");
	refused("[True]", 1, 2, "unknown word \"True\"");
	refused("[truex]", 1, 6, "does not belong");
	refused("[NaN]", 1, 2, "unknown word");
	refused("['a']", 1, 2, "double quotes");
	refused("[012]", 1, 3, "does not belong");
	refused("[+1]", 1, 2, "\"+1\" is not a valid number");
	refused("[.5]", 1, 2, "not a valid number");
	refused("[1.]", 1, 2, "not a valid number");
	refused("[-]", 1, 2, "not a valid number");
	refused("[1e]", 1, 2, "not a valid number");
	refused("[0x10]", 1, 3, "does not belong");
	refused_opts("[\0]", 3, NULL, 1, 2, "unexpected character");
	refused_opts("[1]\0", 4, NULL, 1, 4, "more text");
	refused("\xef\xbb\xbf{}", 1, 1, "byte order mark");
	refused("[@@@@@@]", 1, 2, "unexpected character \"@\"");
}

static void
test_long_echo(void **state)
{
	char text[1000];
	struct json *v;
	struct json_error err;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[0] = '[';
	assert_int_equal(
	    json_parse(text, sizeof(text), NULL, &v, &err), -EINVAL);
	assert_non_null(strstr(err.message, "xxx\"..."));
	assert_null(
	    strstr(err.message, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
}

static void
test_strings(void **state)
{
	struct json *v;

	(void)state;
	refused("[\"a\nb\"]", 1, 2, "no end on its line");
	refused("[\"a\tb\"]", 1, 4, "control character 0x09");
	refused("[\"a\\qb\"]", 1, 4, "invalid escape");
	refused("[\"a\\u12g4\"]", 1, 4, "four hexadecimal");
	refused("[\"abc", 1, 2, "never ends");
	refused("[\"abc\\", 1, 2, "never ends");
	refused_opts("[\"a\0b\"]", 7, NULL, 1, 4, "0x00");
	refused("[\"a\\u0000\"]", 1, 4, "\\u0000");
	refused("{\"a\\u0000\":1}", 1, 4, "\\u0000");
	refused("[\"\\ud800\"]", 1, 3, "surrogate");
	refused("[\"\\ud800x\"]", 1, 3, "surrogate");
	refused("[\"\\ud800\\n\"]", 1, 3, "surrogate");
	refused("[\"\\ud800\\ud800\"]", 1, 3, "surrogate");
	refused("[\"\\udc00\"]", 1, 3, "surrogate");
	refused("[\"\\udc00\\ud800\"]", 1, 3, "surrogate");
	refused("[\"a\xff\"]", 1, 4, "UTF-8");
	refused("[\"\xc0\x80\"]", 1, 3, "UTF-8");
	refused("[\"\xed\xa0\x80\"]", 1, 3, "UTF-8");
	refused("[\"\xf4\x90\x80\x80\"]", 1, 3, "UTF-8");
	refused("{\"\xff\":1}", 1, 3, "UTF-8");
	v = parse_opts(
	    "[\"\\ud83d\\uDE00 \\\\u0000 \\\\\\u00e4\", \"\"]", NULL);
	assert_string_equal(
	    v->child->text, "\xf0\x9f\x98\x80 \\u0000 \\\xc3\xa4");
	assert_int_equal(v->child->next->len, 0);
	assert_string_equal(v->child->next->text, "");
	json_free(v);
}

static void
test_comments(void **state)
{
	static const char *const good[] = {
	    "1 // end",
	    "1 /* end */",
	    "/**/1",
	    "/*/ */ 1",
	    "// a\n// b\n1",
	    "[1, // x\n 2 /* y */ /* z */ , // \"\n 3]",
	    "{\"a\" /* : */ : /* , */ 1}",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		json_free(parse_opts(good[i], &with_comments));
	refused("[1, // x\n2]", 1, 5, "comments are not allowed");
	refused("1 /* x */", 1, 3, "comments are not allowed");
	refused_opts("[1,\n /* x", 9, &with_comments, 2, 2, "never ends");
	refused_opts("1 /* x", 6, &with_comments, 1, 3, "never ends");
	refused_opts("[1, /* * / 2]", 13, &with_comments, 1, 5, "never ends");
	refused_opts("[1 /* x", 7, &with_comments, 1, 4, "never ends");
	refused_opts("[1 / 2]", 7, &with_comments, 1, 4, "comma is missing");
	refused_opts(
	    "[1, /* c */ ]", 13, &with_comments, 1, 3, "trailing comma");
	refused_opts("1 // a\n 2", 9, &with_comments, 2, 2, "more text");
}

static void
test_duplicates(void **state)
{
	char text[4096];
	size_t n = 0;
	int i;

	(void)state;
	refused("{\"a\":1,\n \"b\":{\"a\":2},\n  \"a\":3}", 3, 3,
	    "duplicate key \"a\", first in line 1");
	refused("{\"\\u0061\":1,\"a\":2}", 1, 13, "duplicate key");
	refused("[{\"x\":{\"k\":1,\"k\":1}}]", 1, 14, "duplicate key \"k\"");
	n += (size_t)snprintf(text + n, sizeof(text) - n, "{");
	for (i = 0; i < 100; i++)
		n += (size_t)snprintf(
		    text + n, sizeof(text) - n, "\"k%d\":1,\n", i);
	snprintf(text + n, sizeof(text) - n,
	    "\"z\":0,\n\"k7\":1, \"k3\":2,\"k7\":5}");
	refused(text, 102, 1, "duplicate key \"k7\", first in line 8");
}

static char *
repeat(const char *unit, size_t count, const char *head, const char *tail)
{
	struct buf b;
	size_t i;

	buf_init(&b, 0);
	buf_addstr(&b, head);
	for (i = 0; i < count; i++)
		buf_addstr(&b, unit);
	buf_addstr(&b, tail);
	return buf_steal(&b);
}

static void
number(const char *text, bool fits)
{
	struct json *v = NULL;
	struct json_error err;
	int r = json_parse(text, strlen(text), NULL, &v, &err);

	if ((r == 0) != fits)
		fail_msg("%.40s: %d", text, r);
	if (r == 0)
		json_free(v);
	else
		assert_non_null(strstr(err.message, "database"));
}

static void
test_number_range(void **state)
{
	static const struct {
		size_t count;
		const char *head, *tail;
		bool fits;
	} cases[] = {
	    {131072, "", "", true},
	    {131073, "", "", false},
	    {131072, "-", ".5", true},
	    {16383, "0.", "", true},
	    {16384, "0.", "", false},
	    {16382, "0.", "5e-1", false},
	    {16382, "0.", "5e1", true},
	};
	size_t i;

	(void)state;
	number("1e131071", true);
	number("1e131072", false);
	number("10e131071", false);
	number("0.1e131072", true);
	number("0.01e131073", true);
	number("0.01e131074", false);
	number("1e-16383", true);
	number("1e-16384", false);
	number("1.5e-16383", false);
	number("0e999999999999999999999", true);
	number("0e-16384", false);
	number("1E+99999999999999999999999", false);
	number("-0", true);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text =
		    repeat("1", cases[i].count, cases[i].head, cases[i].tail);

		number(text, cases[i].fits);
		free(text);
	}
}

static void
test_depth(void **state)
{
	char *open = repeat("[", 32, "", ""), *text;
	struct json_opts two = {.max_depth = 2};

	(void)state;
	text = repeat("]", 32, open, "");
	json_free(parse_opts(text, NULL));
	free(text);
	free(open);
	open = repeat("[", 33, "", "");
	text = repeat("]", 33, open, "");
	refused(text, 1, 33, "deeper than 32");
	free(text);
	free(open);
	text = repeat("[", 1000000, "", "");
	refused(text, 1, 33, "deeper than 32");
	free(text);
	json_free(parse_opts("[{}]", &two));
	refused_opts("[{\"a\":[]}]", 10, &two, 1, 7, "deeper than 2");
}

static void
test_access(void **state)
{
	struct json *v = parse_opts("{\"i\": -9223372036854775808, \"j\": 1e3, "
				    "\"k\": 5.0, \"l\": 5.5, "
				    "\"m\": 9223372036854775808, \"n\": 1e300, "
				    "\"o\": 1e999, \"s\": \"t\"}",
	    NULL);
	int64_t n = 0;
	double d = 0;

	(void)state;
	assert_int_equal(json_int(json_get(v, "i"), &n), 0);
	assert_true(n == INT64_MIN);
	assert_int_equal(json_int(json_get(v, "j"), &n), 0);
	assert_true(n == 1000);
	assert_int_equal(json_int(json_get(v, "k"), &n), 0);
	assert_true(n == 5);
	assert_int_equal(json_int(json_get(v, "l"), &n), -EINVAL);
	assert_int_equal(json_int(json_get(v, "m"), &n), -ERANGE);
	assert_int_equal(json_int(json_get(v, "n"), &n), -ERANGE);
	assert_int_equal(json_int(json_get(v, "s"), &n), -EINVAL);
	assert_int_equal(json_int(json_get(v, "none"), &n), -EINVAL);
	assert_int_equal(json_double(json_get(v, "l"), &d), 0);
	assert_true(d > 5.4 && d < 5.6);
	assert_int_equal(json_double(json_get(v, "o"), &d), -EINVAL);
	assert_string_equal(json_get_str(v, "s"), "t");
	assert_null(json_get_str(v, "i"));
	assert_null(json_get(json_get(v, "s"), "x"));
	json_free(v);
	json_free(NULL);
}

static void
test_print(void **state)
{
	struct json *v =
	    parse_opts(" { \"a\" : [ 1 , 2.50 , null,true ,false, {} , [] ] , "
		       "\"\\u2028\": \"\\\"\\n\" } ",
		NULL);
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	json_print(&b, v);
	assert_string_equal(buf_str(&b),
	    "{\"a\":[1,2.50,null,true,false,{},[]],"
	    "\"\\u2028\":\"\\\"\\n\"}");
	buf_clear(&b);
	json_free(v);
}

static const char sliced_text[] =
    "/* head */ {\"a\": [1, 22, 333, \"text, with ] and \\\" // no\"],\n"
    " // a comment, with \" in it\n"
    " \"jobs\": [ {\"n\": \"one\", \"x\": {\"y\": [1,2]}}, 5, \"s\",\n"
    "  [1], {} , null ], \"tail\": 12}";

static struct json *
parse_sliced(const char *text, size_t slice, const struct json_opts *opts,
    struct json_error *err)
{
	struct json_parser *p = json_parser_new(text, strlen(text), opts);
	struct json *v = NULL;
	int r, n = 0;

	while ((r = json_parser_step(p, slice, &v, err)) > 0)
		assert_true(n++ < 1000);
	json_parser_free(p);
	return r == 0 ? v : NULL;
}

static void
test_slices(void **state)
{
	struct json *whole = parse_opts(sliced_text, &with_comments);
	struct json_error err;
	struct buf a, b;
	size_t slice;

	(void)state;
	buf_init(&a, 0);
	buf_init(&b, 0);
	json_print(&a, whole);
	for (slice = 1; slice < sizeof(sliced_text); slice++) {
		struct json *v =
		    parse_sliced(sliced_text, slice, &with_comments, &err);

		assert_non_null(v);
		buf_reset(&b);
		json_print(&b, v);
		assert_string_equal(buf_str(&a), buf_str(&b));
		assert_place(json_get(v, "tail"), 4, 29);
		json_free(v);
	}
	json_free(whole);
	buf_clear(&a);
	buf_clear(&b);
}

/* Cut anywhere: refused, at the same place in every slicing. */
static void
test_truncated(void **state)
{
	size_t len, slice;

	(void)state;
	for (len = 0; len + 1 < sizeof(sliced_text) - 1; len++) {
		char *text = strndup(sliced_text, len);
		struct json_error first, err;

		assert_null(
		    parse_sliced(text, len + 1, &with_comments, &first));
		for (slice = 1; slice < 8; slice++) {
			assert_null(
			    parse_sliced(text, slice, &with_comments, &err));
			assert_string_equal(first.message, err.message);
			assert_int_equal(first.line, err.line);
			assert_int_equal(first.col, err.col);
		}
		free(text);
	}
}

/* Any byte replaced by any of the bytes that matter: never a crash. */
static void
test_mutated(void **state)
{
	static const char bytes[] = "\0\"\\/*{}[]:,\n u0\x80\xff"
				    "et-.";
	char text[sizeof(sliced_text)];
	size_t i, k;

	(void)state;
	for (i = 0; i + 1 < sizeof(text); i++) {
		for (k = 0; k < sizeof(bytes); k++) {
			struct json *v = NULL;
			struct json_error err;

			memcpy(text, sliced_text, sizeof(text));
			text[i] = bytes[k];
			if (json_parse(text, sizeof(text) - 1, &with_comments,
				&v, &err) == 0) {
				json_free(v);
				continue;
			}
			assert_true(err.line >= 1 && err.line <= 6);
			assert_true(err.message[0] != '\0');
		}
	}
}

static void
test_deferred(void **state)
{
	struct json_opts opts = {.comments = true, .defer_key = "jobs"};
	struct json *v, *sub, *c;
	struct json_error err;
	const struct json *jobs;

	(void)state;
	v = parse_opts(sliced_text, &opts);
	jobs = json_get(v, "jobs");
	assert_int_equal(jobs->len, 6);
	c = jobs->child;
	assert_place(c, 3, 12);
	assert_null(c->child);
	assert_int_equal(c->type, JSON_OBJECT);
	opts = (struct json_opts){
	    .comments = true, .line = c->line, .col = c->col};
	assert_int_equal(json_parse(c->src, c->src_len, &opts, &sub, &err), 0);
	assert_string_equal(json_get_str(sub, "n"), "one");
	assert_place(json_get(json_get(sub, "x"), "y"), 3, 36);
	json_free(sub);
	c = c->next;
	assert_int_equal(c->type, JSON_NUMBER);
	assert_int_equal(c->src_len, 1);
	c = c->next->next->next->next;
	assert_int_equal(c->type, JSON_NULL);
	assert_place(c, 4, 13);
	assert_null(c->next);
	assert_int_equal(json_get(v, "a")->len, 4);
	json_free(v);
	/* a root array; only the top key */
	opts = (struct json_opts){.defer_key = "jobs"};
	v = parse_opts("[{\"a\":[{}]},[2]]", &opts);
	assert_int_equal(v->len, 2);
	assert_null(v->child->child);
	assert_int_equal(v->child->next->src_len, 3);
	json_free(v);
	v = parse_opts("{\"x\":{\"jobs\":[{\"a\":1}]}}", &opts);
	assert_non_null(
	    json_get(json_get(json_get(v, "x"), "jobs")->child, "a"));
	json_free(v);
	refused_opts(
	    "{\"jobs\":[{\"a\":[1,]}]}", 21, &opts, 1, 17, "trailing comma");
}

static void
test_many_keys_fast(void **state)
{
	struct timespec a, b;
	struct buf t;
	struct json *v;
	int i;

	(void)state;
	buf_init(&t, 0);
	buf_addch(&t, '{');
	for (i = 0; i < 50000; i++)
		buf_addf(&t, "%s\"key%d\":[\"%d\"]", i == 0 ? "" : ",", i, i);
	buf_addch(&t, '}');
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	v = parse_opts(buf_str(&t), NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	assert_int_equal(v->len, 50000);
	json_free(v);
	buf_clear(&t);
	/* quadratic would be minutes; one line of a megabyte, too */
	assert_true(b.tv_sec - a.tv_sec < 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_places),
	    cmocka_unit_test(test_start_place),
	    cmocka_unit_test(test_commas_and_brackets),
	    cmocka_unit_test(test_words_and_numbers),
	    cmocka_unit_test(test_long_echo),
	    cmocka_unit_test(test_strings),
	    cmocka_unit_test(test_comments),
	    cmocka_unit_test(test_duplicates),
	    cmocka_unit_test(test_number_range),
	    cmocka_unit_test(test_depth),
	    cmocka_unit_test(test_access),
	    cmocka_unit_test(test_print),
	    cmocka_unit_test(test_slices),
	    cmocka_unit_test(test_truncated),
	    cmocka_unit_test(test_mutated),
	    cmocka_unit_test(test_deferred),
	    cmocka_unit_test(test_many_keys_fast),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
