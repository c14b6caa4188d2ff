#!/usr/bin/env python3
"""oracle.py - what a cron expression should fire, told without any of Reeve.

It walks through real time minute by minute, asks zoneinfo of Python what the
clock on the wall shows, and looks each minute up in sets. Slow and simple on
purpose; it shares no code and no idea with the calendar under test.

    oracle.py answer ZONEINFO-DIRECTORY       questions on standard input
    oracle.py changes ZONEINFO-DIRECTORY FROM UNTIL ZONE...

A question is ZONE, RULE (once, skip, twice), FROM, UNTIL (seconds since 1970)
and EXPRESSION, separated by tabs. Its answer is one line: the fires, those that
a gap moved marked :m, those in a repeated hour :r.

The rules. A skipped time of day fires at the first instant after the gap, once
for all of them (rule skip: not at all). A repeated one fires the first time
(rule twice: both times). An expression whose hour begins with * fires at every
real minute that matches. Day of month and day of week: either, unless one of
them begins with *, then both.
"""
import sys
from datetime import datetime, timedelta, timezone

try:
    import zoneinfo
except ImportError:
    sys.exit("oracle.py: this Python has no zoneinfo (3.9 or later is needed)")

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
NAIVE_EPOCH = datetime(1970, 1, 1)
MARGIN = 2 * 86400  # further back than any clock was ever set
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
DAYS = "sun mon tue wed thu fri sat".split()


def values(text, low, high, names=()):
    """The set that one field means."""
    result = set()
    for part in text.lower().split(","):
        bounds, _, step = part.partition("/")
        if bounds == "*":
            first, last = low, high
        else:
            ends = bounds.split("-")
            ends = [names.index(e) + low if e in names else int(e)
                    for e in ends]
            first, last = ends[0], ends[-1]
        result.update(range(first, last + 1, int(step or 1)))
    return result


class Expression:
    def __init__(self, text):
        minute, hour, dom, month, dow = text.split()
        self.minutes = values(minute, 0, 59)
        self.hours = values(hour, 0, 23)
        self.dom = values(dom, 1, 31)
        self.months = values(month, 1, 12, MONTHS)
        self.dow = {d % 7 for d in values(dow, 0, 6, DAYS)}
        self.elapsed = hour.startswith("*")
        self.both = dom.startswith("*") or dow.startswith("*")

    def matches(self, wall):
        minute, hour, dom, month, dow = wall
        if minute not in self.minutes or hour not in self.hours:
            return False
        if month not in self.months:
            return False
        if self.both:
            return dom in self.dom and dow in self.dow
        return dom in self.dom or dow in self.dow


def wall_of(number):
    """Minute, hour, day, month and weekday of a count of wall minutes."""
    t = NAIVE_EPOCH + timedelta(minutes=number)
    return t.minute, t.hour, t.day, t.month, t.isoweekday() % 7


class Window:
    """The minutes from `begin` to `end` as the people of a zone saw them."""

    def __init__(self, zone, begin, end):
        self.begin = begin
        shown = []
        for at in range(begin - MARGIN, end, 60):
            local = (EPOCH + timedelta(seconds=at)).astimezone(zone)
            naive = local.replace(tzinfo=None) - NAIVE_EPOCH
            shown.append((at, naive // timedelta(minutes=1)))
        seen = {number for _, number in shown}
        earlier = set()
        self.minutes = []  # instant, wall clock, seen before
        self.gaps = []  # instant after it, skipped wall clocks
        previous = shown[0][1]
        for at, number in shown:
            skipped = [n for n in range(previous + 1, number)
                       if n not in seen]
            if skipped and at >= begin:
                self.gaps.append((at, [wall_of(n) for n in skipped]))
            if at >= begin:
                self.minutes.append((at, wall_of(number), number in earlier))
            earlier.add(number)
            previous = number

    def fires(self, expression, rule):
        result = {}
        for at, wall, again in self.minutes:
            if not expression.matches(wall):
                continue
            if not again:
                result[at] = ""
            elif expression.elapsed or rule == "twice":
                result[at] = ":r"
        if expression.elapsed or rule == "skip":
            return result
        for at, skipped in self.gaps:
            if any(expression.matches(w) for w in skipped):
                result.setdefault(at, ":m")
        return result


def answer(questions):
    windows = {}
    for line in questions:
        zone, rule, begin, end, text = line.rstrip("\n").split("\t")
        key = zone, int(begin), int(end)
        if key not in windows:
            windows = {key: Window(zoneinfo.ZoneInfo(zone), *key[1:])}
        fires = windows[key].fires(Expression(text), rule)
        print(" ".join(f"{at}{fires[at]}" for at in sorted(fires)))


def changes(begin, end, names):
    """Print the instants at which the clocks of each zone were set."""
    step = 6 * 3600
    for name in names:
        zone = zoneinfo.ZoneInfo(name)

        def offset(at):
            return (EPOCH + timedelta(seconds=at)).astimezone(zone).utcoffset()

        for low in range(begin, end, step):
            high = low + step
            if offset(low) == offset(high):
                continue
            while high - low > 1:
                middle = (low + high) // 2
                if offset(middle) == offset(high):
                    high = middle
                else:
                    low = middle
            print(f"{name}\t{high}")


def main(argv):
    if len(argv) < 3 or argv[1] not in ("answer", "changes"):
        sys.exit(__doc__)
    zoneinfo.reset_tzpath([argv[2]])
    if argv[1] == "answer":
        answer(sys.stdin)
    else:
        changes(int(argv[3]), int(argv[4]), argv[5:])


if __name__ == "__main__":
    main(sys.argv)
