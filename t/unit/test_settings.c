/*
 * test_settings.c - the tables themselves, and what is generated from them:
 * the sample loads as it is and with every key set, and the JSON Schema takes
 * and refuses what the parser does (a small validator for the words it uses).
 */
#include <config.h>

#include <errno.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json.h"
#include "config_fixture.h"
#include "model/settings.h"

/* ---- a validator for the part of draft-07 that is used ---- */

static const struct json *schema_root;

static bool valid(const struct json *schema, const struct json *v);

static const struct json *
resolve(const struct json *schema)
{
	static const char prefix[] = "#/definitions/";
	const char *ref = json_get_str(schema, "$ref");
	const struct json *to;

	if (ref == NULL)
		return schema;
	assert_int_equal(strncmp(ref, prefix, strlen(prefix)), 0);
	to = json_get(
	    json_get(schema_root, "definitions"), ref + strlen(prefix));
	assert_non_null(to);
	return to;
}

static bool
matches(const char *pattern, const char *text)
{
	regex_t re;
	int r;

	assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	r = regexec(&re, text, 0, NULL, 0);
	regfree(&re);
	return r == 0;
}

static bool
is_type(const char *type, const struct json *v)
{
	int64_t n;

	if (strcmp(type, "integer") == 0)
		return json_int(v, &n) == 0;
	return strcmp(type, json_type_name(v->type)) == 0;
}

static bool
number_valid(const struct json *schema, const struct json *v)
{
	double d, bound;

	if (v->type != JSON_NUMBER || json_double(v, &d) != 0)
		return true;
	if (json_double(json_get(schema, "minimum"), &bound) == 0 && d < bound)
		return false;
	return json_double(json_get(schema, "maximum"), &bound) != 0 ||
	       d <= bound;
}

static bool
string_valid(const struct json *schema, const struct json *v)
{
	const char *pattern = json_get_str(schema, "pattern");
	int64_t n;

	if (v->type != JSON_STRING)
		return true;
	if (json_int(json_get(schema, "minLength"), &n) == 0 &&
	    v->len < (size_t)n)
		return false;
	if (json_int(json_get(schema, "maxLength"), &n) == 0 &&
	    v->len > (size_t)n)
		return false;
	return pattern == NULL || matches(pattern, v->text);
}

static bool
array_valid(const struct json *schema, const struct json *v)
{
	const struct json *items = json_get(schema, "items"), *c;
	int64_t n;

	if (v->type != JSON_ARRAY)
		return true;
	if (json_int(json_get(schema, "minItems"), &n) == 0 &&
	    v->len < (size_t)n)
		return false;
	for (c = v->child; items != NULL && c != NULL; c = c->next) {
		if (!valid(items, c))
			return false;
	}
	return true;
}

static bool
member_valid(const struct json *schema, const struct json *member)
{
	const struct json *names = json_get(schema, "propertyNames"), *sub;
	const struct json *more = json_get(schema, "additionalProperties");

	if (names != NULL &&
	    !matches(json_get_str(names, "pattern"), member->key))
		return false;
	sub = json_get(json_get(schema, "properties"), member->key);
	if (sub != NULL)
		return valid(sub, member);
	if (more == NULL)
		return true;
	return more->type == JSON_BOOL ? more->boolean : valid(more, member);
}

static bool
object_valid(const struct json *schema, const struct json *v)
{
	const struct json *c, *required = json_get(schema, "required");
	int64_t n;

	if (v->type != JSON_OBJECT)
		return true;
	for (c = v->child; c != NULL; c = c->next) {
		if (!member_valid(schema, c))
			return false;
	}
	for (c = required != NULL ? required->child : NULL; c != NULL;
	     c = c->next) {
		if (json_get(v, c->text) == NULL)
			return false;
	}
	if (json_int(json_get(schema, "minProperties"), &n) == 0 &&
	    v->len < (size_t)n)
		return false;
	return json_int(json_get(schema, "maxProperties"), &n) != 0 ||
	       v->len <= (size_t)n;
}

static bool
one_valid(const struct json *list, const struct json *v)
{
	const struct json *c;

	for (c = list->child; c != NULL; c = c->next) {
		if (valid(c, v))
			return true;
	}
	return false;
}

static bool
among(const struct json *list, const struct json *v)
{
	const struct json *c;

	for (c = list->child; c != NULL; c = c->next) {
		if (v->type == JSON_STRING && strcmp(c->text, v->text) == 0)
			return true;
	}
	return false;
}

static bool
valid(const struct json *schema, const struct json *v)
{
	const char *type;
	const struct json *list;

	schema = resolve(schema);
	type = json_get_str(schema, "type");
	if (type != NULL && !is_type(type, v))
		return false;
	list = json_get(schema, "anyOf");
	if (list != NULL && !one_valid(list, v))
		return false;
	list = json_get(schema, "enum");
	if (list != NULL && !among(list, v))
		return false;
	return number_valid(schema, v) && string_valid(schema, v) &&
	       array_valid(schema, v) && object_valid(schema, v);
}

/* ---- tests ---- */

static struct json *
parse(const char *text)
{
	struct json_opts opts = {.comments = true};
	struct json *v;
	struct json_error err;

	if (json_parse(text, strlen(text), &opts, &v, &err) != 0)
		fail_msg("%u:%u: %s", err.line, err.col, err.message);
	return v;
}

static bool
schema_takes(const char *text)
{
	struct json *v = parse(text);
	bool ok = valid(schema_root, v);

	json_free(v);
	return ok;
}

static void
check_row(const struct settings_level *level, const struct setting *s)
{
	size_t n = strlen(s->help);
	unsigned i;

	if (n < 10 || s->help[n - 1] != '.')
		fail_msg("%s.%s: help is no sentence", level->name, s->key);
	if (s->kind == &settings_kind_word)
		assert_non_null(s->words);
	if (s->def == NULL && !(s->flags & SETTING_REQUIRED))
		fail_msg("%s.%s: no default", level->name, s->key);
	for (i = 0; &level->rows[i] != s; i++)
		assert_string_not_equal(level->rows[i].key, s->key);
	if (s->example != NULL)
		json_free(parse(s->example));
	if (s->def != NULL)
		json_free(parse(s->def));
}

static void
test_rows(void **state)
{
	unsigned i, k;

	(void)state;
	for (i = 0; settings_levels[i] != NULL; i++) {
		assert_true(settings_levels[i]->count <= 64);
		for (k = 0; k < settings_levels[i]->count; k++)
			check_row(
			    settings_levels[i], &settings_levels[i]->rows[k]);
	}
	assert_ptr_equal(settings_levels[0], &settings_global);
}

static void
test_sample(void **state)
{
	struct buf sample;
	struct fixture f;

	(void)state;
	buf_init(&sample, 0);
	settings_sample(&sample, false);
	f = load_text(buf_str(&sample));
	assert_string_equal(buf_str(&f.errors), "");
	assert_string_equal(buf_str(&f.warnings), "");
	assert_int_equal(f.result, 0);
	assert_int_equal(f.config->njobs, 1);
	assert_non_null(f.config->jobs[0]->schedule);
	assert_true(schema_takes(buf_str(&sample)));
	fixture_clear(&f);
	buf_clear(&sample);
}

/* Every key at once: warnings only for those that nothing acts on. */
static void
test_sample_active(void **state)
{
	struct buf sample;
	struct fixture f;
	unsigned i, k;

	(void)state;
	buf_init(&sample, 0);
	settings_sample(&sample, true);
	f = load_text(buf_str(&sample));
	assert_string_equal(buf_str(&f.errors), "");
	assert_int_equal(f.result, 0);
	assert_true(schema_takes(buf_str(&sample)));
	for (i = 0; settings_levels[i] != NULL; i++) {
		const struct settings_level *level = settings_levels[i];

		/* elements of lists have only some in the examples */
		if (level->rows[0].flags & SETTING_REQUIRED)
			continue;
		for (k = 0; k < level->count; k++) {
			char quoted[64];

			if (level->rows[k].kind == &settings_kind_reserved ||
			    level->rows[k].kind == &settings_kind_note)
				continue;
			snprintf(quoted, sizeof(quoted),
			    "\"%s\":", level->rows[k].key);
			if (strcmp(quoted, "\"env\":") != 0)
				assert_non_null(
				    strstr(buf_str(&sample), quoted));
		}
	}
	fixture_clear(&f);
	buf_clear(&sample);
}

/* A line of JSON, not of help (which may begin with a quote). */
static bool
is_setting(const char *line)
{
	if (*line == '"') {
		line += strspn(line + 1, "abcdefghijklmnopqrstuvwxyz"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZ") +
			1;
		return strncmp(line, "\": ", 3) == 0;
	}
	return *line == '\t' || *line == '}' || *line == ']';
}

/* Without its comment marks the sample is what it says it is. */
static void
test_sample_uncommented(void **state)
{
	struct buf sample, text;
	struct fixture f;
	const char *line, *end;

	(void)state;
	buf_init(&sample, 0);
	buf_init(&text, 0);
	settings_sample(&sample, false);
	for (line = buf_str(&sample); *line != '\0'; line = end + 1) {
		size_t indent = strspn(line, "\t");
		const char *rest = line + indent;

		end = strchr(line, '\n');
		if (strncmp(rest, "// ", 3) == 0 && is_setting(rest + 3))
			rest += 3;
		buf_add(&text, rest, (size_t)(end - rest) + 1);
	}
	f = load_text(buf_str(&text));
	assert_string_equal(buf_str(&f.errors), "");
	assert_int_equal(f.result, 0);
	assert_string_equal(f.config->jobs[0]->pool, "heavy");
	fixture_clear(&f);
	buf_clear(&sample);
	buf_clear(&text);
}

static void
test_schema(void **state)
{
	static const struct {
		const char *text;
		bool ok;
	} cases[] = {
	    {"{}", true},
	    {"{\"$schema\":\"x\"}", true},
	    {"[]", false},
	    {"{\"timezon\":\"UTC\"}", false},
	    {"{\"shutdownGrace\":\"1h30m\"}", true},
	    {"{\"shutdownGrace\":\"0\"}", true},
	    {"{\"shutdownGrace\":\"30m1h\"}", false},
	    {"{\"shutdownGrace\":\"\"}", false},
	    {"{\"shutdownGrace\":30}", false},
	    {"{\"node\":null}", true},
	    {"{\"timezone\":null}", false},
	    {"{\"ledger\":{\"maxBytes\":\"1GiB\"}}", true},
	    {"{\"ledger\":{\"maxBytes\":1073741824}}", true},
	    {"{\"ledger\":{\"maxBytes\":\"1 Gig\"}}", false},
	    {"{\"log\":{\"level\":\"loud\"}}", false},
	    {"{\"pools\":{\"p\":{\"maxConcurrent\":1}}}", true},
	    {"{\"pools\":{\"p\":{}}}", false},
	    {"{\"pools\":{\"p\":{\"maxConcurrent\":0}}}", false},
	    {"{\"quota\":{\"y\":{\"limits\":{\"a\":1}}}}", true},
	    {"{\"quota\":{\"y\":{\"limits\":{\"a\":\"1\"}}}}", false},
	    {"{\"api\":{\"tokens\":[{\"name\":\"a\",\"role\":\"viewer\","
	     "\"secret\":{\"file\":\"x\"}}]}}",
		true},
	    {"{\"api\":{\"tokens\":[{\"name\":\"a\",\"role\":\"viewer\","
	     "\"secret\":{}}]}}",
		false},
	    {"{\"api\":{\"tokens\":[{\"name\":\"a\",\"role\":\"admin\","
	     "\"secret\":{\"file\":\"x\"}}]}}",
		false},
	    {"{\"jobs\":[{\"name\":\"a\",\"command\":[\"x\"]}]}", true},
	    {"{\"jobs\":[{\"name\":\"A\",\"command\":[\"x\"]}]}", false},
	    {"{\"jobs\":[{\"command\":[\"x\"]}]}", false},
	    {"{\"jobs\":[{\"name\":\"a\",\"command\":[]}]}", false},
	    {"{\"jobs\":[{\"name\":\"a\",\"command\":\"\"}]}", false},
	    {"{\"jobs\":[{\"name\":\"a\",\"command\":\"x\",\"retry\":"
	     "{\"maxAttempts\":1001}}]}",
		false},
	    {"{\"jobs\":[{\"name\":\"a\",\"command\":\"x\",\"env\":"
	     "{\"A-B\":\"\"}}]}",
		false},
	    {"{\"jobs\":[{\"name\":\"a\",\"command\":\"x\",\"umask\":"
	     "\"027\"}]}",
		true},
	    {"{\"jobs\":[{\"name\":\"a\",\"command\":\"x\",\"umask\":"
	     "\"8\"}]}",
		false},
	    {"{\"jobs\":[{\"name\":\"a\",\"command\":\"x\",\"exitCodes\":"
	     "{\"skip\":[256]}}]}",
		false},
	    {"{\"jobs\":[{\"name\":\"a\",\"command\":\"x\",\"stdin\":"
	     "{\"text\":\"\"}}]}",
		true},
	    {"{\"jobs\":[{\"name\":\"a\",\"command\":\"x\",\"stdin\":"
	     "{\"texts\":\"\"}}]}",
		false},
	    {"{\"jobs\":[{\"name\":\"a\",\"command\":\"x\",\"blackout\":[]"
	     "}]}",
		false},
	    {"{\"jobs\":[{\"name\":\"a\",\"command\":\"x\",\"grants\":"
	     "[\"root\"]}]}",
		false},
	    {"{\"defaults\":{\"command\":\"x\",\"breaker\":{\"probe\":null}"
	     "}}",
		true},
	    {"{\"defaults\":{\"name\":\"x\"}}", false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture f = load_text(cases[i].text);

		if (schema_takes(cases[i].text) != cases[i].ok)
			fail_msg("schema: %s", cases[i].text);
		if ((f.result == 0) != cases[i].ok)
			fail_msg("parser: %s\n%s", cases[i].text,
			    buf_str(&f.errors));
		fixture_clear(&f);
	}
}

/* What --dump-config prints is valid too. */
static void
test_schema_takes_dump(void **state)
{
	struct fixture f =
	    load_text("{\"jobs\":[{\"name\":\"a\",\"command\":\"x\","
		      "\"schedule\":\"@reboot\",\"env\":{\"A\":\"b\"}}]}");
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	config_dump(f.config, &out);
	assert_true(schema_takes(buf_str(&out)));
	buf_clear(&out);
	fixture_clear(&f);
}

static void
test_man(void **state)
{
	struct buf out;
	const char *line, *end;
	unsigned i, k;

	(void)state;
	buf_init(&out, 0);
	settings_man(&out);
	for (i = 0; settings_levels[i] != NULL; i++) {
		for (k = 0; k < settings_levels[i]->count; k++)
			assert_non_null(strstr(
			    buf_str(&out), settings_levels[i]->rows[k].key));
	}
	/* no line that roff would take for a request of its own */
	for (line = buf_str(&out); *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		assert_int_not_equal(*line, '\'');
		if (*line == '.' && strncmp(line, ".TP\n", 4) != 0 &&
		    strncmp(line, ".PP\n", 4) != 0 &&
		    strncmp(line, ".BR ", 4) != 0 &&
		    strncmp(line, ".SS ", 4) != 0)
			fail_msg("%.*s", (int)(end - line), line);
	}
	buf_clear(&out);
}

static int
load_schema(void **state)
{
	static struct buf text;

	(void)state;
	buf_init(&text, 0);
	settings_schema(&text);
	schema_root = parse(buf_str(&text));
	buf_clear(&text);
	return 0;
}

static int
free_schema(void **state)
{
	(void)state;
	json_free((struct json *)(uintptr_t)schema_root);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_sample),
	    cmocka_unit_test(test_sample_active),
	    cmocka_unit_test(test_sample_uncommented),
	    cmocka_unit_test(test_schema),
	    cmocka_unit_test(test_schema_takes_dump),
	    cmocka_unit_test(test_man),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, load_schema, free_schema);
}
