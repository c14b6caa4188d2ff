/*
 * zonefile.h - reads TZif files of the system: the one way a zone's name
 * becomes bytes. The bytes are understood in model/zone.h.
 */
#ifndef REEVE_SYS_ZONEFILE_H
#define REEVE_SYS_ZONEFILE_H

#include "base/buf.h"
#include "base/macros.h"

/*
 * Read the file of IANA zone `name` from $TZDIR or /usr/share/zoneinfo.
 * -EINVAL for a name that is no relative path of letters, digits, + - _ and /
 * (no "..", no leading dot), -ENOENT, -EFBIG (over 1 MiB), else -errno.
 */
MUSTUSE int zonefile_read(const char *name, struct buf *ret);

#endif
