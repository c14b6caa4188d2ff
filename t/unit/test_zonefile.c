/*
 * test_zonefile.c - sys/zonefile: no name leaves the directory of zones, and
 * only files that can be zones are read.
 */
#include <config.h>

#include "sys/zonefile.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

/* The text of DIR/zones/NAME is in `zones`; DIR/secret must stay unread. */
struct zones {
	char dir[64];
	char zones[80];
};

static void
put(const struct zones *z, const char *name, const char *text, size_t len)
{
	char path[160];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", z->dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, len), 0);
	fd_close(&fd);
}

static int
setup(void **state)
{
	struct zones *z = calloc(1, sizeof(*z));
	char path[160];

	assert_non_null(z);
	(void)snprintf(z->dir, sizeof(z->dir), "/tmp/test-zonefile-XXXXXX");
	assert_non_null(mkdtemp(z->dir));
	(void)snprintf(z->zones, sizeof(z->zones), "%s/zones", z->dir);
	assert_int_equal(mkdir(z->zones, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/Etc", z->zones);
	assert_int_equal(mkdir(path, 0700), 0);
	put(z, "secret", "secret", 6);
	put(z, "zones/UTC", "TZif\0x", 6);
	put(z, "zones/Etc/GMT+12", "TZif12", 6);
	assert_int_equal(setenv("TZDIR", z->zones, 1), 0);
	*state = z;
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = {"zones/Etc/GMT+12", "zones/Etc",
	    "zones/UTC", "zones/fifo", "zones/big", "zones", "secret", ""};
	struct zones *z = *state;
	char path[160];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", z->dir, names[i]);
		(void)remove(path);
	}
	assert_int_equal(access(z->dir, F_OK), -1);
	free(z);
	return unsetenv("TZDIR");
}

static void
gives(const char *name, int wanted, const char *text, size_t len)
{
	struct buf b;
	int r;

	buf_init(&b, 0);
	r = zonefile_read(name, &b);
	if (r != wanted)
		fail_msg("\"%s\": %d, not %d", name, r, wanted);
	assert_int_equal(b.len, len);
	assert_memory_equal(buf_str(&b), text, len);
	buf_clear(&b);
}

static void
test_zones_are_read(void **state)
{
	(void)state;
	gives("UTC", 0, "TZif\0x", 6);
	gives("Etc/GMT+12", 0, "TZif12", 6);
}

static void
test_bad_names(void **state)
{
	static const char *const bad[] = {"", "/", "/UTC", "UTC/",
	    "Etc//GMT+12", ".", "..", "../secret", "Etc/../UTC",
	    "Etc/../../secret", "./UTC", ".hidden", "Etc/.hidden", "UT C",
	    "UTC\n", "U\\TC", "U:TC", "UTC%00", "\xc3\x9c", "~root", "*"};
	char name[200];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		gives(bad[i], -EINVAL, "", 0);
	memset(name, 'a', sizeof(name));
	name[128] = '\0';
	gives(name, -ENOENT, "", 0);
	name[128] = 'a';
	name[129] = '\0';
	gives(name, -EINVAL, "", 0);
}

static void
test_what_is_no_zone(void **state)
{
	struct zones *z = *state;
	size_t len = (1 << 20) + 1;
	char *big = calloc(1, len);
	char path[160];
	struct buf b;

	assert_non_null(big);
	gives("None", -ENOENT, "", 0);
	gives("UTC/more", -ENOTDIR, "", 0);
	gives("Etc", -EINVAL, "", 0);
	(void)snprintf(path, sizeof(path), "%s/fifo", z->zones);
	assert_int_equal(mkfifo(path, 0600), 0);
	gives("fifo", -EINVAL, "", 0);
	put(z, "zones/big", big, len);
	gives("big", -EFBIG, "", 0);
	put(z, "zones/big", big, len - 1);
	buf_init(&b, 0);
	assert_int_equal(zonefile_read("big", &b), 0);
	assert_int_equal(b.len, len - 1);
	buf_clear(&b);
	free(big);
}

static void
test_an_empty_tzdir_is_none(void **state)
{
	struct buf b;

	(void)state;
	assert_int_equal(setenv("TZDIR", "", 1), 0);
	buf_init(&b, 0);
	if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) != 0)
		skip();
	assert_int_equal(zonefile_read("Europe/Berlin", &b), 0);
	assert_memory_equal(b.data, "TZif", 4);
	buf_clear(&b);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_zones_are_read),
	    TEST(test_bad_names),
	    TEST(test_what_is_no_zone),
	    TEST(test_an_empty_tzdir_is_none),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
