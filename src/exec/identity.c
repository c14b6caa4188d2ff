/*
 * identity.c - whom a job runs as. The order is that of the manuals: the
 * groups while we still may, the user last; each result is looked at, because
 * a set*id call that fails and is not noticed leaves a worker root
 * (CVE-2006-2451 and many after it).
 */
#include <config.h>

#include "exec/identity.h"

#include <errno.h>
#include <grp.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/text.h"
#include "base/xalloc.h"

#define GROUPS_MAX 65536 /* NGROUPS_MAX of the kernel */
/* The largest number means "do not change" to setresuid(2). */
#define ID_MAX ((int64_t)UINT32_MAX - 1)

/* errno of getpw* and getgr*: 0 or one of these means "not there". */
static int
not_found(int err)
{
	if (err == 0 || err == ESRCH || err == EBADF || err == EPERM)
		return -ENOENT;
	return -err;
}

static void
take_passwd(const struct passwd *pw, struct identity *id)
{
	id->name = xstrdup(pw->pw_name);
	id->home = pw->pw_dir[0] == '/' ? xstrdup(pw->pw_dir) : NULL;
	id->shell = xstrdup(pw->pw_shell[0] == '/' ? pw->pw_shell : "/bin/sh");
	id->uid = pw->pw_uid;
	id->gid = pw->pw_gid;
}

static int
find_groups(struct identity *id)
{
	int n = 64;

	do {
		id->groups =
		    xreallocarray(id->groups, (size_t)n, sizeof(*id->groups));
		id->ngroups = (size_t)n;
		if (getgrouplist(id->name, id->gid, id->groups, &n) >= 0) {
			id->ngroups = (size_t)n;
			return 0;
		}
	} while ((size_t)n > id->ngroups && n <= GROUPS_MAX);
	return -E2BIG;
}

/* A number without an entry is a user without name, home and groups. */
static int
find_user(const char *user, struct identity *id)
{
	struct passwd *pw;
	int64_t number;
	int r;

	errno = 0;
	pw = getpwnam(user);
	r = pw == NULL ? not_found(errno) : 0;
	if (pw == NULL && text_parse_int(user, 0, ID_MAX, &number) == 0) {
		pw = getpwuid((uid_t)number);
		id->uid = (uid_t)number;
		id->gid = (gid_t)number;
		r = 0;
	}
	if (pw == NULL)
		return r;
	take_passwd(pw, id);
	return 0;
}

static int
find_group(const char *group, gid_t *ret)
{
	struct group *gr;
	int64_t number;

	errno = 0;
	gr = getgrnam(group);
	if (gr != NULL)
		*ret = gr->gr_gid;
	else if (text_parse_int(group, 0, ID_MAX, &number) == 0)
		*ret = (gid_t)number;
	else
		return not_found(errno);
	return 0;
}

/* Ourselves: no entry is needed. */
static void
find_self(struct identity *id)
{
	struct passwd *pw = getpwuid(geteuid());

	if (pw != NULL)
		take_passwd(pw, id);
	id->uid = geteuid();
	id->gid = getegid();
}

int
identity_find(const char *user, const char *group, struct identity *ret,
    enum spawn_step *ret_step)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	ret->change = user != NULL || group != NULL;
	*ret_step = SPAWN_STEP_USER;
	if (user == NULL) {
		find_self(ret);
	} else {
		r = find_user(user, ret);
		if (r < 0)
			return r;
	}
	*ret_step = SPAWN_STEP_GROUP;
	if (group != NULL) {
		r = find_group(group, &ret->gid);
		if (r < 0)
			return r;
	}
	/* A group alone: none of those that we are in ourselves is kept. */
	if (user != NULL && ret->name != NULL)
		return find_groups(ret);
	ret->groups = xcalloc(1, sizeof(*ret->groups));
	ret->groups[0] = ret->gid;
	ret->ngroups = 1;
	return 0;
}

static bool
is_in(const char *const *list, const char *name)
{
	for (; *list != NULL; list++) {
		if (strcmp(*list, name) == 0)
			return true;
	}
	return false;
}

void
identity_environ(
    const struct identity *id, struct env *env, const char *const *keep)
{
	const struct {
		const char *name, *value;
	} all[] = {
	    {"HOME", id->home},
	    {"USER", id->name},
	    {"LOGNAME", id->name},
	    {"SHELL", id->shell},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		if (is_in(keep, all[i].name))
			continue;
		if (all[i].value != NULL)
			env_set(env, all[i].name, all[i].value);
		else
			env_unset(env, all[i].name);
	}
}

/* Already so, without a right to change anything: nothing to do. */
static bool
is_self(const struct identity *id)
{
	return geteuid() != 0 && id->uid == geteuid() && id->gid == getegid();
}

/* With these set, a change of uid would keep root's capabilities. */
static int
check_securebits(void)
{
	int bits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);

	if (bits < 0)
		return -errno;
	if (bits & (SECBIT_NO_SETUID_FIXUP | SECBIT_KEEP_CAPS))
		return -EPERM;
	return 0;
}

static int
verify(const struct identity *id, enum spawn_step *ret_step)
{
	gid_t rg, eg, sg;
	uid_t ru, eu, su;

	*ret_step = SPAWN_STEP_GROUP;
	if (getresgid(&rg, &eg, &sg) < 0)
		return -errno;
	if (rg != id->gid || eg != id->gid || sg != id->gid)
		return -EPERM;
	*ret_step = SPAWN_STEP_USER;
	if (getresuid(&ru, &eu, &su) < 0)
		return -errno;
	if (ru != id->uid || eu != id->uid || su != id->uid)
		return -EPERM;
	/* No way back may be left. */
	if (id->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
		return -EPERM;
	return 0;
}

int
identity_become(const struct identity *id, enum spawn_step *ret_step)
{
	int r;

	*ret_step = SPAWN_STEP_USER;
	if (!id->change || is_self(id))
		return 0;
	r = check_securebits();
	if (r < 0)
		return r;
	*ret_step = SPAWN_STEP_GROUP;
	if (setgroups(id->ngroups, id->groups) < 0)
		return -errno;
	if (setresgid(id->gid, id->gid, id->gid) < 0)
		return -errno;
	*ret_step = SPAWN_STEP_USER;
	if (setresuid(id->uid, id->uid, id->uid) < 0)
		return -errno;
	return verify(id, ret_step);
}
