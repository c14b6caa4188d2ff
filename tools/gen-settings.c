/*
 * gen-settings.c - writes what is generated from the tables of settings.def to
 * standard output: `sample`, `schema`, or `man FRAME`, which puts the
 * reference in the place of the line @SETTINGS@ of FRAME.
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "model/settings.h"

#define MARK "@SETTINGS@\n"

static int
make_man(const char *frame, struct buf *out)
{
	struct buf text;
	const char *mark;
	int r;

	buf_init(&text, 0);
	r = fd_read_file(frame, 1024 * 1024, false, &text);
	if (r < 0) {
		fprintf(stderr, "%s: %s\n", frame, strerror(-r));
		return 1;
	}
	mark = strstr(buf_str(&text), MARK);
	if (mark == NULL) {
		fprintf(stderr, "%s: has no line " MARK, frame);
		buf_clear(&text);
		return 1;
	}
	buf_add(out, text.data, (size_t)(mark - text.data));
	settings_man(out);
	buf_addstr(out, mark + strlen(MARK));
	buf_clear(&text);
	return 0;
}

int
main(int argc, char **argv)
{
	struct buf out;
	int status = 0;

	buf_init(&out, 0);
	if (argc == 2 && strcmp(argv[1], "sample") == 0) {
		settings_sample(&out, false);
	} else if (argc == 2 && strcmp(argv[1], "schema") == 0) {
		settings_schema(&out);
	} else if (argc == 3 && strcmp(argv[1], "man") == 0) {
		status = make_man(argv[2], &out);
	} else {
		fprintf(stderr,
		    "usage: gen-settings sample | schema | man FRAME\n");
		return 64;
	}
	if (status == 0 &&
	    (fwrite(buf_str(&out), 1, out.len, stdout) != out.len ||
		fflush(stdout) != 0))
		status = 1;
	buf_clear(&out);
	return status;
}
