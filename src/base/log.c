/*
 * log.c - one JSON object a line, made here and nowhere else.
 *
 * Must never wait, never fail to its caller, never let an outsider's text end
 * or forge a line. For the main thread alone. The program ignores SIGPIPE.
 */
#include <config.h>

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/jsonw.h"
#include "base/log_internal.h"
#include "base/text.h"
#include "base/xalloc.h"

#define VALUE_MAX      ((size_t)8 * 1024)
#define NAME_MAX_BYTES ((size_t)256) /* of context and keys */
#define CLOSE_WAIT_US  USEC_PER_SEC
#define END_OF_LINE    "}\n"
#define CUT_MARK       "\"truncated\":true"
/* Kept free for what ends a line, whatever its fields were. */
#define TAIL_ROOM ((size_t)64)

static struct {
	bool ready;
	enum log_level level;
	struct log_sink out; /* debug and info, or all */
	struct log_sink err; /* warn and error, when it is another one */
	bool split; /* `err` is in use */
	char *path; /* absolute; NULL: the standard streams */
	uint64_t dropped;
	struct buf line; /* reused */
} the_log = {.level = LOG_INFO};

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug",
    [LOG_INFO] = "info",
    [LOG_WARN] = "warn",
    [LOG_ERROR] = "error",
};

/* A cut in the middle of a character is none, a cut value ends in "…". */
static void
add_text(struct buf *line, const char *text, size_t max)
{
	size_t len = strlen(text);

	jsonw_escape(line, text, text_utf8_cut(text, len, max));
	if (len > max && !line->truncated) {
		line->len--; /* the closing quote */
		buf_addstr(line, "\xe2\x80\xa6\"");
	}
}

/*
 * JSON text on one line. Outside of its strings controls are only white
 * space; inside them the characters that jsonw escapes may stand raw, and
 * an escape of them means the same. So no parser is needed here.
 */
static void
add_json(struct buf *line, const char *text)
{
	struct buf one;
	size_t n;
	uint32_t code;

	if (strlen(text) > VALUE_MAX) {
		add_text(line, text, VALUE_MAX);
		return;
	}
	buf_init(&one, 16);
	for (; *text != '\0'; text += n) {
		n = text_utf8_char(text, strnlen(text, 4), &code);
		if (n == 1 && code >= 0x20 && code < 0x7f) {
			buf_addch(line, *text);
			continue;
		}
		if (n == 1 && code < 0x20) {
			buf_addch(line, ' ');
			continue;
		}
		n = n > 0 ? n : 1;
		buf_reset(&one);
		jsonw_escape(&one, text, n);
		buf_add(line, one.data + 1, one.len - 2);
	}
	buf_clear(&one);
}

static void
add_value(struct buf *line, const struct log_field *f)
{
	bool text = f->kind == LOG_KIND_STR || f->kind == LOG_KIND_JSON;

	if (text && f->str == NULL)
		buf_addstr(line, "null");
	else if (f->kind == LOG_KIND_STR)
		add_text(line, f->str, VALUE_MAX);
	else if (f->kind == LOG_KIND_JSON)
		add_json(line, f->str);
	else if (f->kind == LOG_KIND_BOOL)
		buf_addstr(line, f->num != 0 ? "true" : "false");
	else
		buf_addf(line, "%lld", (long long)f->num);
}

/* Adds one member, or nothing and false when there is no room for it. */
static bool
add_field(struct buf *line, const struct log_field *f)
{
	size_t before = line->len;

	if (line->data[before - 1] != '{')
		buf_addch(line, ',');
	add_text(line, f->key, NAME_MAX_BYTES);
	buf_addch(line, ':');
	add_value(line, f);
	if (!line->truncated && buf_room(line) >= TAIL_ROOM)
		return true;
	line->len = before;
	line->data[before] = '\0';
	line->truncated = false;
	return false;
}

static void
add_data(struct buf *line, const struct log_field *fields, unsigned nfields)
{
	bool cut = false;
	unsigned i;

	buf_addstr(line, ",\"data\":{");
	for (i = 0; i < nfields; i++)
		if (!add_field(line, &fields[i]))
			cut = true;
	if (cut) {
		if (line->data[line->len - 1] != '{')
			buf_addch(line, ',');
		buf_addstr(line, CUT_MARK);
	}
	buf_addch(line, '}');
}

/* The whole line into the_log.line. It always fits: see TAIL_ROOM. */
static void
make_line(enum log_level level, const char *context, const char *message,
    const struct log_field *fields, unsigned nfields)
{
	struct buf *line = &the_log.line;
	char now[CLOCK_ISO_BYTES];

	buf_reset(line);
	line->max = LOG_LINE_MAX;
	buf_addstr(line, "{\"timestamp\":\"");
	buf_addstr(line, clock_iso_format(clock_real_us(), now));
	buf_addstr(line, "\",\"level\":\"");
	buf_addstr(line, level_names[level]);
	buf_addstr(line, "\",\"context\":");
	add_text(line, context, NAME_MAX_BYTES);
	buf_addstr(line, ",\"message\":");
	add_text(line, message, VALUE_MAX);
	if (nfields > 0)
		add_data(line, fields, nfields);
	buf_addstr(line, END_OF_LINE);
	BUG_ON(line->truncated);
}

/* Tell of dropped lines, if there were any and there is room again. */
static void
tell_dropped(struct log_sink *s)
{
	const struct log_field fields[] = {
	    LF_INT("dropped", (int64_t)s->untold)};

	if (s->untold == 0 || s->mode == LOG_SINK_NONE || !log_sink_flush(s))
		return;
	make_line(LOG_WARN, "Log", "Log lines dropped", fields, 1);
	s->untold = 0;
	/* nothing waits, so this is taken, now or a little later */
	log_sink_put(s, the_log.line.data, the_log.line.len);
}

/* Do both standard streams end in the same place? One sink then keeps their
 * lines whole and in order. */
static bool
same_place(int a, int b)
{
	struct stat sa, sb;

	if (fstat(a, &sa) < 0 || fstat(b, &sb) < 0)
		return false;
	return sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

static void
attach_standard(struct log_sink *out, struct log_sink *err, bool *split)
{
	log_sink_attach(out, STDOUT_FILENO);
	log_sink_init(err);
	*split = !same_place(STDOUT_FILENO, STDERR_FILENO);
	if (*split)
		log_sink_attach(err, STDERR_FILENO);
}

static void
get_ready(void)
{
	if (the_log.ready)
		return;
	attach_standard(&the_log.out, &the_log.err, &the_log.split);
	the_log.ready = true;
}

bool
log_enabled(enum log_level level)
{
	return level >= the_log.level;
}

void
log_emit(enum log_level level, const char *context, const char *message,
    const struct log_field *fields, unsigned nfields)
{
	int saved = errno;
	struct log_sink *s;

	if (!log_enabled(level))
		return;
	get_ready();
	s = the_log.split && level >= LOG_WARN ? &the_log.err : &the_log.out;
	tell_dropped(s);
	make_line(level, context, message, fields, nfields);
	if (!log_sink_put(s, the_log.line.data, the_log.line.len))
		the_log.dropped++;
	errno = saved;
}

void
log_set_level(enum log_level level)
{
	the_log.level = level;
}

int
log_parse_level(const char *text, enum log_level *ret)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(level_names); i++) {
		if (strcmp(text, level_names[i]) == 0) {
			*ret = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* Put new sinks in the place of the old; their waiting lines move along. */
static void
replace_sinks(struct log_sink *out, struct log_sink *err, bool split)
{
	log_sink_flush(&the_log.out);
	the_log.dropped += log_sink_inherit(out, &the_log.out);
	if (the_log.split) {
		log_sink_flush(&the_log.err);
		the_log.dropped +=
		    log_sink_inherit(split ? err : out, &the_log.err);
	}
	the_log.out = *out;
	the_log.err = *err;
	the_log.split = split;
	log_flush();
}

/* Gives `path` from the root, so that it holds after a chdir. */
static char *
absolute(const char *path)
{
	char *cwd, *all;

	if (path[0] == '/')
		return xstrdup(path);
	cwd = getcwd(NULL, 0);
	if (cwd == NULL)
		return xstrdup(path);
	all = xasprintf("%s/%s", cwd, path);
	free(cwd);
	return all;
}

int
log_open(const char *path)
{
	struct log_sink out, err;
	bool split = false;
	int r;

	get_ready();
	log_sink_init(&err);
	if (path == NULL) {
		attach_standard(&out, &err, &split);
	} else {
		r = log_sink_open(&out, path);
		if (r < 0)
			return r;
	}
	replace_sinks(&out, &err, split);
	free(the_log.path);
	the_log.path = path != NULL ? absolute(path) : NULL;
	return 0;
}

int
log_reopen(void)
{
	struct log_sink out, err;
	int r;

	if (the_log.path == NULL)
		return 0;
	r = log_sink_open(&out, the_log.path);
	if (r < 0)
		return r;
	log_sink_init(&err);
	replace_sinks(&out, &err, false);
	return 0;
}

void
log_flush(void)
{
	int saved = errno;

	if (!the_log.ready)
		return;
	log_sink_flush(&the_log.out);
	tell_dropped(&the_log.out);
	if (the_log.split) {
		log_sink_flush(&the_log.err);
		tell_dropped(&the_log.err);
	}
	errno = saved;
}

uint64_t
log_dropped(void)
{
	return the_log.dropped;
}

void
log_close(void)
{
	int64_t until = clock_boot_us() + CLOSE_WAIT_US;

	log_flush();
	if (the_log.ready) {
		log_sink_drain(&the_log.out, until);
		log_sink_drain(&the_log.err, until);
		log_flush();
		the_log.dropped += log_sink_close(&the_log.out);
		the_log.dropped += log_sink_close(&the_log.err);
	}
	buf_clear(&the_log.line);
	free(the_log.path);
	the_log.path = NULL;
	the_log.split = false;
	the_log.ready = false;
}
