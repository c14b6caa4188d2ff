# Workers that do their worst: output without end, TERM ignored, processes that
# slip away, pipes closed at once or never. The daemon stays small, answers,
# and ends every attempt in time, with nothing left.
# REEVE_TEST_LONG=1 lets each flood write 10 GB instead of 1.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Reeve;
use Test::More;

my $EACH = ($ENV{REEVE_TEST_LONG} ? 5120 : 512) << 20; # bytes a stream
my $asan = Reeve::slurp("$Reeve::BUILDDIR/reeved") =~ /__asan_init/;
# What is freed stays resident in its quarantine: keep that small.
$ENV{ASAN_OPTIONS} = join ':', grep { length } $ENV{ASAN_OPTIONS} // '',
    'quarantine_size_mb=8';
my $GROWTH_KIB = ($asan ? 64 : 16) << 10;

sub job {
	my ($name, $command, %more) = @_;
	$command = ['/bin/sh', '-c', $command] unless ref $command;
	return {name => $name, command => $command, retry => {maxAttempts => 1},
	    timeout => '10m', %more};
}

sub jsonl { return job(@_, protocol => 'jsonl') }

sub worker {
	my ($name, @args) = @_;
	return [Reeve::worker($name), map { "$_" } @args];
}

my $zeros = 'head -c 100000000 /dev/zero';
my $message = '{"type":"%s","fraction":0.5,"message":"%s"}';
my $r = Reeve->new(
	config => {shutdownGrace => '0s',
	    defaults => {breaker => {failures => 0}, killAfter => '1s'}},
	jobs => [
		job('warm', worker('flood', 4 << 20)),
		jsonl('warm-jsonl', worker('flood', 4 << 20)),
		job('flood', worker('flood', $EACH, 3)),
		jsonl('flood-jsonl', worker('flood', $EACH)),
		# Other floods.
		job('zeros', "$zeros & $zeros >&2; wait"),
		jsonl('zeros-jsonl', "$zeros & $zeros >&2; wait"),
		jsonl('messages', "yes '" . sprintf($message, 'progress', 'on')
		    . "' | head -c 5000000"),
		jsonl('logs', "yes '" . sprintf($message, 'log', 'y' x 900)
		    . "' | head -n 5000"),
		jsonl('deep', 'printf \'{"type":"result","result":\'; '
		    . 'head -c 100000 /dev/zero | tr "\\\\0" "["; echo'),
		jsonl('long', 'printf \'{"type":"result","result":{"a":"\'; '
		    . 'head -c 1000000 /dev/zero | tr "\\\\0" a; echo \'"}}\''),
		job('endless', "trap '' TERM; yes & exec yes >&2",
		    timeout => '1s'),
		jsonl('endless-jsonl', 'exec cat /dev/zero', timeout => '1s'),
		# Workers that will not go.
		job('stubborn', worker('stubborn', '@DIR@/evidence/stubborn', 3),
		    timeout => '1s'),
		job('escapee', worker('escapee', '@DIR@/evidence/escapee', 600)),
		# The same, gone for long when its leader ends.
		job('escaped', ['/bin/sh', '-c', Reeve::worker('escapee')
		    . ' "$1" 600; until [ -s "$1" ]; do sleep 0.05; done; exit 4',
		    'escaped', '@DIR@/evidence/escaped']),
		job('holder', worker('holder', 600)),
		job('holder-left', worker('holder', 4), leaveChildren =>
		    JSON::PP::true),
		job('closer', worker('closer', 1, 0)),
		job('closer-bad', worker('closer', 1, 5)),
		job('closer-late', worker('closer', 600, 0), timeout => '1s'),
		jsonl('closer-jsonl', worker('closer', 1, 75)),
	],
);
$r->start;

my (@took, $rss);

# Runs them all at once, asking the daemon all the time; their rows by name.
sub run_all {
	my @names = @_;
	for my $name (@names) {
		my ($code) = $r->run_job($name);
		is($code, 202, "$name is admitted");
	}
	my %open = map { $_ => 1 } @names;
	my %rows;
	$r->wait_for(sub {
		my $begin = Reeve::now();
		my $answer = $r->unix_request('GET', '/api/jobs/status');
		push @took, Reeve::now() - $begin;
		my $kib = $r->rss_kib;
		$rss = $kib if $kib > ($rss // 0);
		for my $job (values %{$answer->{json}{jobs}}) {
			next if !$open{$job->{name}} || !$job->{lastRun};
			$rows{$job->{name}} = $job->{lastRun};
			delete $open{$job->{name}};
		}
		return !%open;
	}, 'all have ended', 200);
	return %rows;
}

sub words {
	my ($row) = @_;
	return join ' ', map { $_ // '-' } @{$row}{qw(status reason exit_code signal)};
}

sub output_length {
	my ($row) = @_;
	my ($found) = @{$r->ledger_rows('SELECT length(CAST(output AS BLOB)) AS n, '
	    . "instr(output, 'bytes cut') > 0 AS cut, substr(output, "
	    . "instr(output, '[... ') + 5, 24) AS words FROM history "
	    . "WHERE run_id = '$row->{run_id}'")};
	return $found;
}

sub answers_in_time {
	my @sorted = sort { $a <=> $b } @took;
	my $most = $sorted[int(0.95 * $#sorted)];
	note sprintf '%d answers, most within %.1f ms, the slowest %.1f ms',
	    scalar @sorted, $most * 1e3, $sorted[-1] * 1e3;
	cmp_ok($most, '<', 0.05 * $Reeve::PATIENCE, 'answers within 50 ms');
	# One may have waited for a processor.
	cmp_ok($sorted[-1], '<', 1 * $Reeve::PATIENCE, 'none takes a second');
	@took = ();
}

run_all('warm', 'warm-jsonl');
my $small = $r->rss_kib;
@took = ();
$rss = 0;

subtest 'floods of one line' => sub {
	my %rows = run_all('flood', 'flood-jsonl');
	is(words($rows{flood}), 'failure exit 3 -', 'exit');
	cmp_ok(length $rows{flood}{error}, '<', 1024, 'its error is no flood');
	is(words($rows{'flood-jsonl'}), 'success - 0 -', 'jsonl');
	for my $name (sort keys %rows) {
		my $kept = output_length($rows{$name});
		ok($kept->{cut}, "$name: output is cut");
		cmp_ok($kept->{n}, '<=', 65536 + 64, "$name: to the cap");
		cmp_ok($kept->{n}, '>', 60000, "$name: and kept up to it");
		my ($cut) = $kept->{words} =~ /^(\d+) bytes/;
		cmp_ok(abs($cut + 65536 - 2 * $EACH), '<', 1024,
		    "$name: all of it is counted");
	}
	answers_in_time();
};

subtest 'floods of other kinds' => sub {
	my %rows = run_all(qw(zeros zeros-jsonl messages logs deep long endless
	    endless-jsonl));
	is(words($rows{$_}), 'success - 0 -', $_)
	    for qw(zeros zeros-jsonl messages logs);
	is(words($rows{$_}), 'failure protocol 0 -', $_) for qw(deep long);
	is(words($rows{endless}), 'failure timeout - 9', 'endless');
	is(words($rows{'endless-jsonl'}), 'failure timeout - 15', 'endless, jsonl');
	cmp_ok($rows{endless}{duration_ms}, '<', 2000 + 1500 * $Reeve::PATIENCE,
	    'killed in time');
	cmp_ok($rows{'endless-jsonl'}{duration_ms}, '<',
	    1000 + 1500 * $Reeve::PATIENCE, 'stopped in time');
	my @told = grep { $_->{context} eq 'Worker' } $r->log_lines;
	cmp_ok(scalar(@told), '<', 2000, 'the log is not flooded');
	ok((grep { $_->{data}{suppressed} } @told) || @told >= 100,
	    'what was left out is counted');
	answers_in_time();
};

subtest 'memory' => sub {
	note sprintf '%d KiB, then at most %d KiB', $small, $rss;
	cmp_ok($rss - $small, '<', $GROWTH_KIB, 'the daemon has not grown');
};

subtest 'those that stay' => sub {
	my %rows = run_all(qw(stubborn escapee escaped holder closer closer-bad
	    closer-late closer-jsonl));
	my %expected = (
		stubborn => ['failure timeout - 9', 2000, 2000],
		escapee => ['success - 0 -', 0, 1500],
		escaped => ['failure exit 4 -', 0, 2500],
		holder => ['success - 0 -', 0, 1000],
		closer => ['success - 0 -', 1000, 1000],
		'closer-bad' => ['failure exit 5 -', 1000, 1000],
		'closer-late' => ['failure timeout - 15', 1000, 1000],
		'closer-jsonl' => ['failure exit 75 -', 1000, 1000],
	);
	for my $name (sort keys %expected) {
		my ($words, $least, $most) = @{$expected{$name}};
		# TERM reaches a shell and its child in no certain order: the
		# shell may die of it, or see its child die and end by itself.
		if ($name eq 'closer-late') {
			like(words($rows{$name}), qr/^failure timeout /, $name);
		} else {
			is(words($rows{$name}), $words, $name);
		}
		my $ms = $rows{$name}{duration_ms};
		cmp_ok($ms, '>=', $least, "$name: not ended too early");
		cmp_ok($ms, '<', $most + 1500 * $Reeve::PATIENCE, "$name: nor late");
	}
	my @left;
	$r->wait_for(sub {
		@left = grep { $_->[0] != $r->pid } $r->processes;
		!@left;
	}, 'nothing is left running', 10);
	is_deeply(\@left, [], 'nothing is left running');
	ok((grep { $_->{event} eq 'free' } $r->evidence('escaped')),
	    'there was something to find');
	is((grep { $_->{event} eq 'survived' } map { $r->evidence($_) }
	    qw(escapee escaped)), 0, 'and none survived');
	answers_in_time();
};

# By itself: near a job that may leave children, a stray that nothing
# identifies is spared.
subtest 'those that may stay' => sub {
	my %rows = run_all('holder-left');
	my $row = $rows{'holder-left'};
	is(words($row), 'success - 0 -', 'its end does not wait for the pipe');
	cmp_ok($row->{duration_ms}, '<', 1000 + 1500 * $Reeve::PATIENCE,
	    'beyond the drain deadline');
	my @left = grep { $_->[0] != $r->pid } $r->processes;
	cmp_ok(scalar(@left), '<=', 1, 'one child at most');
	$r->wait_for(sub { $r->processes == 1 }, 'the child ends by itself', 10);
};

subtest 'the daemon is well' => sub {
	is($r->unix_request('GET', '/health')->{json}{status}, 'healthy', 'health');
	my $supervisor = $r->unix_request('GET', '/api/jobs/status')->{json}{supervisor};
	is($supervisor->{running}, 0, 'nothing runs');
	is($supervisor->{bugs}, 0, 'no bug');
};

$r->finish;
done_testing;
