#!/usr/bin/perl
# The calendar against an independent oracle: random expressions under every
# rule of daylight saving, around each change of the clocks of 2025-2028 in
# ordinary and odd zones, around some odd changes of the past, and in random
# weeks. There must be no difference.
#
#   REEVE_TEST_SEED=N          the same questions again (the seed is printed)
#   REEVE_TEST_EXPRESSIONS=N   expressions for each window (default 4)
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp ();
use Test::More;

use constant {DAY => 86400, FROM => 1735689600, UNTIL => 1861920000};

my $srcdir = abs_path($ENV{REEVE_SRCDIR} // dirname(__FILE__) . '/..');
my $builddir = abs_path($ENV{REEVE_BUILDDIR} // "$srcdir/build/gcc");
my $oracle = "$srcdir/t/lib/oracle.py";
my $fires = "$builddir/t/lib/cron-fires";
my $zoneinfo = $ENV{TZDIR} // '/usr/share/zoneinfo';
my $per_window = $ENV{REEVE_TEST_EXPRESSIONS} // 4;
my $seed = $ENV{REEVE_TEST_SEED} // (time ^ $$ << 8) & 0x7fffffff;

my @zones = qw(
    UTC Europe/Berlin America/New_York Europe/London Australia/Sydney
    America/Sao_Paulo
    Australia/Lord_Howe Antarctica/Troll Africa/Casablanca Pacific/Apia
    Africa/Cairo Asia/Beirut Pacific/Kiritimati Europe/Dublin
    Pacific/Chatham America/Santiago Atlantic/Azores America/Nuuk
    America/Havana Asia/Gaza Pacific/Easter Asia/Kathmandu
);
# A lost day, a day twice, midnights, half hours.
my @past = (
    ['Pacific/Apia', 1325239200], ['Pacific/Kwajalein', 745934400],
    ['Pacific/Kiritimati', 788868000], ['America/Sao_Paulo', 1541300400],
    ['America/Sao_Paulo', 1550368800], ['America/Caracas', 1462086000],
    ['Asia/Pyongyang', 1525446000], ['Antarctica/Casey', 1520701200],
    ['America/Juneau', 1446372000], ['Pacific/Norfolk', 1570287600],
);

# Runs a command with a file as its input; its lines, or a failed test.
sub lines_of {
	my ($input, @command) = @_;
	my $pid = open my $out, '-|';
	defined $pid or BAIL_OUT("fork: $!");
	if (!$pid) {
		open STDIN, '<', $input or die "$input: $!\n";
		exec @command or die "$command[0]: $!\n";
	}
	chomp(my @lines = <$out>);
	close $out or do {
		fail("@command[0, 1] ended with status " . ($? >> 8));
		done_testing;
		exit 1;
	};
	return @lines;
}

sub need {
	my ($ok, $what) = @_;
	return if $ok;
	fail($what);
	done_testing;
	exit 1;
}

sub pick { return $_[int rand @_] }
sub between { return $_[0] + int rand($_[1] - $_[0] + 1) }

# A random field; `some` draws a number that is worth trying.
sub field {
	my ($low, $high, $some) = @_;
	my ($first, $second) = sort { $a <=> $b } $some->(), $some->();
	return pick(
	    sub { $first },
	    sub { "$first-$second" },
	    sub { "$first,$second" },
	    sub { "$first-$high/" . between(1, $high - $low + 1) },
	    sub { "$low-$second/" . between(2, 5) . ",$second" },
	    sub { '*/' . between(1, $high - $low + 1) },
	    sub { '*/' . between(2, 6) . ",$first" },
	    sub { "$low-$high" },
	)->();
}

# Most expressions are about the hours in which clocks are set, on any day.
sub expression {
	my $number = sub { my ($low, $high) = @_; sub { between($low, $high) } };
	my $minute = sub { pick(0, 0, 15, 29, 30, 45, 59, between(0, 59)) };
	my $hour = sub { pick(0, 0, 1, 1, 2, 2, 3, 3, 22, 23, between(0, 23)) };
	my @f = (
	    rand() < 0.15 ? '*' : field(0, 59, $minute),
	    rand() < 0.25 ? '*' : field(0, 23, $hour),
	    rand() < 0.65 ? '*' : field(1, 31, $number->(1, 31)),
	    rand() < 0.85 ? '*' : field(1, 12, $number->(1, 12)),
	    rand() < 0.65 ? '*' : field(0, 6, $number->(0, 6)),
	);
	$f[3] = pick('JAN-Dec', 'mar,oct,NOV', 'Apr-sep') if rand() < 0.05;
	$f[4] = pick('SUN', 'mon-FRI', 'Sat,sun', '7', '5-7', '0-7/2')
	    if rand() < 0.1;
	# Days that no month has would be refused.
	$f[3] = '*' if $f[2] ne '*';
	return "@f";
}

# [zone, from, until] around changes and in random weeks.
sub windows {
	my @changes = map { [split /\t/] } lines_of('/dev/null', 'python3',
	    $oracle, 'changes', $zoneinfo, FROM, UNTIL, @zones);
	need(@changes > 100, 'the zones have changes in 2025-2028');
	my @w = map {
		my ($zone, $at) = @$_;
		$at -= $at % 60;
		[$zone, $at - 3 * DAY, $at + 3 * DAY];
	} @changes, @past;
	for my $zone (@zones) {
		my $at = between(FROM, UNTIL) - 7 * DAY;
		$at -= $at % 60;
		push @w, [$zone, $at, $at + 7 * DAY];
	}
	return @w;
}

srand $seed;
diag("seed $seed, $per_window expressions a window");
need(-x $fires, "$fires is built (make check builds it)");
need(-e "$zoneinfo/Europe/Berlin",
    "the time zone database is installed in $zoneinfo (package tzdata)");
need(system('python3', '-c', 'import zoneinfo') == 0,
    'python3 with zoneinfo is installed (3.9 or later)');

my @questions;
for my $w (windows()) {
	my ($zone, $from, $until) = @$w;
	for (1 .. $per_window) {
		my $expression = expression();
		push @questions, map {
			join "\t", $zone, $_, $from, $until, $expression
		} qw(once skip twice);
	}
}

my $file = File::Temp->new(TEMPLATE => 'reeve-calendar-XXXXXXXX', TMPDIR => 1);
print {$file} map { "$_\n" } @questions;
$file->flush;
my @ours = lines_of($file->filename, $fires, $zoneinfo);
my @theirs = lines_of($file->filename, 'python3', $oracle, 'answer', $zoneinfo);
is(scalar @ours, scalar @questions, 'cron-fires answered every question');
is(scalar @theirs, scalar @questions, 'the oracle answered every question');

my (%asked, %wrong, %marks, $shown);
for my $i (0 .. $#questions) {
	my ($zone) = split /\t/, $questions[$i];
	$asked{$zone}++;
	$marks{$_}++ for $theirs[$i] =~ /:([mr])/g;
	next if ($ours[$i] // '') eq ($theirs[$i] // '');
	$wrong{$zone}++;
	next if ++$shown > 5;
	diag("question: $questions[$i]");
	diag("    reeve:  $ours[$i]");
	diag("    oracle: $theirs[$i]");
}
ok(!$wrong{$_}, "$_: $asked{$_} questions, no difference")
    for sort keys %asked;
ok($marks{m} && $marks{m} > 20, 'there were fires moved by a gap');
ok($marks{r} && $marks{r} > 20, 'there were fires in a repeated hour');
done_testing;
