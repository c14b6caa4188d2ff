# After kill -9, after a stop, after a crash at each marked point: every fire
# has one fate, nothing overlaps, nothing runs again unasked.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Reeve;
use Test::More;
use Time::HiRes qw(sleep time);

my $true = JSON::PP::true;

sub witness {
	my ($name, @args) = @_;
	return [Reeve::worker('witness'), "\@DIR\@/evidence/$name", @args];
}

# Rows, newest first. A busy machine may get "not in time" for an answer.
sub rows {
	my ($r, $name) = @_;
	return $r->wait_for(sub { eval { $r->history($name) } }, "rows of $name", 10);
}

sub live { return $_[0]->api_get('/api/jobs/status')->{json}{jobs} }

# Do two attempts of the job overlap, by what the workers themselves saw?
sub overlaps {
	my ($r, $name) = @_;
	my ($open, @wrong);
	for my $e ($r->evidence($name)) {
		if ($e->{event} eq 'start') {
			push @wrong, "$open and $e->{pid}"
			    if $open && kill 0, $open;
			$open = $e->{pid};
		} elsif ($e->{event} eq 'end') {
			$open = undef;
		}
	}
	return "@wrong";
}

# How many instants of "@every 1s" have no row.
sub gaps {
	my @s = sort { $a <=> $b } map {
		my ($h, $m, $s) = $_->{scheduled_at} =~ /T(\d+):(\d+):(\d+)/;
		3600 * $h + 60 * $m + $s;
	} @_;
	return scalar grep { ($s[$_] - $s[$_ - 1]) % 86400 != 1 } 1 .. $#s;
}

# Fires with more than one fate, gaps in the attempts of a run.
sub wrong_fates {
	my ($r) = @_;
	my $rows = $r->ledger_rows('SELECT job_name, run_id, attempt, status, '
	    . 'scheduled_at FROM history ORDER BY id');
	my (%run_of, %attempts, @wrong);
	for my $row (@$rows) {
		push @{$attempts{$row->{run_id}}}, $row->{attempt};
		next unless defined $row->{scheduled_at};
		my $fire = "$row->{job_name} $row->{scheduled_at}";
		push @wrong, $fire
		    if ($run_of{$fire} //= $row->{run_id}) ne $row->{run_id};
	}
	for my $run (sort keys %attempts) {
		my @n = @{$attempts{$run}};
		push @wrong, "$run @n" unless "@n" eq '0' || "@n" eq join ' ', 1 .. @n;
	}
	return join "\n", @wrong;
}

subtest 'kill -9 while attempts run' => sub {
	my %still = (schedule => '@every 1h');
	my $r = Reeve->new(config => {shutdownGrace => '0s'}, jobs => [
		{name => 'tick', schedule => '@every 1s', misfire => {after => '1s'},
		    command => witness('tick', '--for', '0.1')},
		{name => 'long', %still, command => witness('long', '--for', '600')},
		# It leaves its session; its environment still names it.
		{name => 'free', %still, command => ['sh', '-c',
		    'setsid -f "$0" "$1" --for 600; exec sleep 600',
		    Reeve::worker('witness'), '@DIR@/evidence/free']},
		{name => 'again', %still, retry => {onLost => $true, delay => '100ms'},
		    command => ['sh', '-c', '[ "$REEVE_ATTEMPT" -gt 1 ] || sleep 600']},
		{name => 'backoff', %still, command => witness('backoff',
		    '--fail-first', '2'), retry => {maxAttempts => 3,
			delay => '3s', backoff => 'fixed'}},
		{name => 'queue', %still, overlap => 'queue',
		    command => witness('queue', '--for', '1.5')},
	]);
	$r->start;
	my %run;
	for my $name (qw(long free again backoff queue queue)) {
		my ($code, $json) = $r->run_job($name);
		is($code, 202, "$name is admitted");
		push @{$run{$name}}, $json->{runId};
	}
	$r->wait_for(sub { $r->evidence('long') && $r->evidence('queue')
	    && $r->evidence('free') }, 'all run');
	$r->wait_for(sub { live($r)->{backoff}{retryAt} }, 'one is in backoff');
	$r->wait_for(sub { @{live($r)->{again}{running}} }, 'again runs');
	$r->wait_for(sub { @{rows($r, 'tick')} }, 'ticks');
	my $retry_at = live($r)->{backoff}{retryAt};
	is($r->kill9, 'signal 9', 'killed');
	$r->start;

	for my $name (qw(long free)) {
		my $row = $r->wait_for(sub { rows($r, $name)->[0] }, $name);
		is("$row->{status} $row->{reason} $row->{attempt}",
		    'failure lost 1', "$name is lost");
		is($row->{run_id}, $run{$name}[0], 'as that run');
	}
	is(join("\n", map { $_->[1] } grep {
		$_->[1] =~ m{evidence/(?:free|long)}
	} $r->processes), '', 'what they left is dead');
	my $rows = $r->wait_for(sub {
		my $got = rows($r, 'again');
		@$got == 2 && $got;
	}, 'who asked for it is tried again');
	is(join(' ', map { "$_->{attempt} $_->{status}" } reverse @$rows),
	    '1 failure 2 success', 'once');
	$rows = $r->wait_for(sub {
		my $got = rows($r, 'backoff');
		@$got == 3 && $got;
	}, 'the backoff goes on');
	is(join(' ', map { "$_->{attempt} $_->{status}" } reverse @$rows),
	    '1 failure 2 failure 3 success', 'where it was');
	cmp_ok($rows->[1]{started_at}, 'ge', $retry_at, 'at its time');
	is(join(' ', map { $_->{attempt} } grep { $_->{event} eq 'start' }
	    $r->evidence('backoff')), '1 2 3', 'the workers saw it so');
	$rows = $r->wait_for(sub {
		my $got = rows($r, 'queue');
		@$got == 2 && $got;
	}, 'the queued run survives');
	is(join(' ', map { "$_->{status} " . ($_->{reason} // '') } reverse @$rows),
	    'failure lost success ', 'and runs after the lost');
	is_deeply([map { $_->{run_id} } reverse @$rows], $run{queue}, 'in order');
	is(overlaps($r, $_), '', "$_: nothing overlaps") for qw(queue tick backoff);
	is(wrong_fates($r), '', 'one fate a fire');
	$r->finish;
};

subtest 'what passed while it was stopped' => sub {
	my @policies = qw(none last all);
	my $r = Reeve->new(jobs => [map {{name => $_, schedule => '@every 1s',
	    command => witness($_), misfire => {policy => $_, after => '1s'}}}
	    @policies]);
	$r->start;
	$r->wait_for(sub { 3 == grep { @{rows($r, $_)} } @policies }, 'all fire');
	is($r->stop, 'exit 0', 'stopped');
	sleep 5; # sleep: instants must pass while nobody is there
	$r->start;
	for my $policy (@policies) {
		$r->wait_for(sub {
			my @rows = @{rows($r, $policy)};
			my @late = grep { $_->{trigger} eq 'catch-up'
			    || ($_->{reason} // '') eq 'missed' } @rows;
			@late >= 3 && $rows[0]{status} eq 'success'
			    && $rows[0]{trigger} eq 'schedule'
			    && !gaps(@rows);
		}, "$policy is caught up");
	}
	for my $policy (@policies) {
		my @rows = reverse @{rows($r, $policy)};
		is(gaps(@rows), 0, "$policy: every instant has a row");
		my @missed = grep { ($_->{reason} // '') eq 'missed' } @rows;
		my @late = grep { $_->{trigger} eq 'catch-up' } @rows;
		cmp_ok(@missed, '>=', 3, "$policy: misses") if $policy ne 'all';
		is(@missed, 0, "$policy: none is a miss") if $policy eq 'all';
		is((grep { $_->{status} ne 'skipped' || $_->{attempt} != 0 }
		    @missed), 0, "$policy: skipped, attempt 0");
		is(@late, 0, 'none runs late') if $policy eq 'none';
		cmp_ok(@late, '<=', 1, 'the last at most') if $policy eq 'last';
		cmp_ok(@late, '>=', 3, 'all run late') if $policy eq 'all';
		is(overlaps($r, $policy), '', "$policy: one after the other");
	}
	is(wrong_fates($r), '', 'one fate a fire');
	$r->finish;
};

subtest 'crash points' => sub {
	plan skip_all => 'no debug build' unless Reeve::is_debug;
	my @points = qw(spawn-before spawn-after attempt-over settle-appended
	    claim-appended claim-durable ledger-before-commit ledger-after-commit);
	my $r = Reeve->new(jobs => [
		{name => 'tick', schedule => '@every 1s', overlap => 'queue',
		    command => witness('tick'), misfire =>
			{policy => 'all', after => '1s'}},
		{name => 'fails', schedule => '@every 1s', command => witness('fails',
		    '--fail-first', '1'), retry => {delay => '100ms'},
		    breaker => {failures => 0}, misfire => {after => '1s'}},
	]);
	for my $point (@points) {
		my $hit = $point =~ /^ledger/ ? 5 : 2;
		$r->{env}{REEVE_CRASH_POINT} = "$point:$hit";
		$r->start(wait => 0);
		is($r->reap_within(20), 'signal 9', $point);
	}
	delete $r->{env}{REEVE_CRASH_POINT};
	$r->start;
	my $from = rows($r, 'tick')->[0]{id} // 0;
	$r->wait_for(sub {
		my ($last) = @{rows($r, 'tick')};
		my ($other) = @{rows($r, 'fails')};
		$last && $last->{id} > $from && $last->{status} eq 'success'
		    && $other && $other->{id} > $from;
	}, 'it goes on');
	is($r->stop, 'exit 0', 'stopped');
	is(wrong_fates($r), '', 'one fate a fire');
	is(overlaps($r, $_), '', "$_: nothing overlaps") for qw(tick fails);
	my (%ran, %row);
	for my $name (qw(tick fails)) {
		$ran{"$_->{run}/$_->{attempt}"}++ for grep { $_->{event} eq 'start' }
		    $r->evidence($name);
	}
	$row{"$_->{run_id}/$_->{attempt}"} = 1 for @{$r->ledger_rows(
	    'SELECT run_id, attempt FROM history UNION '
		. 'SELECT run_id, attempt FROM run')};
	is(join(' ', grep { $ran{$_} > 1 } sort keys %ran), '', 'none ran twice');
	is(join(' ', grep { !$row{$_} } sort keys %ran), '', 'each that ran has a row');
	my $rows = $r->ledger_rows("SELECT DISTINCT scheduled_at / 1000000 AS s FROM "
	    . "(SELECT job_name, scheduled_at FROM history UNION "
	    . "SELECT job_name, scheduled_at FROM run) "
	    . "WHERE job_name = 'tick' ORDER BY s");
	my @s = map { $_->{s} } @$rows;
	is($s[-1] - $s[0] + 1, scalar(@s), 'every instant has a fate')
	    or diag("@s");
	is_deeply($r->ledger_rows('PRAGMA integrity_check'),
	    [{integrity_check => 'ok'}], 'the ledger is sound');
	$r->finish;
};

subtest 'TERM' => sub {
	my $r = Reeve->new(config => {shutdownGrace => '1500ms'}, jobs => [
		{name => 'long', command => witness('long', '--for', '600')},
		{name => 'stubborn', killAfter => '500ms', command =>
			[Reeve::worker('stubborn'), '@DIR@/evidence/stubborn', '2']},
		{name => 'short', command => witness('short', '--for', '1')},
		{name => 'backoff', command => 'false', retry =>
			{maxAttempts => 2, delay => '1s'}},
	]);
	$r->start;
	$r->run_job($_) for qw(long stubborn short backoff);
	$r->wait_for(sub { 3 == grep { $r->evidence($_) } qw(long stubborn short) },
	    'all run');
	$r->wait_for(sub { live($r)->{backoff}{retryAt} }, 'backs off');
	my $began = time;
	is($r->stop, 'exit 0', 'ends well');
	cmp_ok(time - $began, '>', 1.4, 'not before the grace is over');
	my %row = map { $_->{job_name} => $_ } @{$r->ledger_rows(
	    'SELECT * FROM history ORDER BY id')};
	is("$row{short}{status}", 'success', 'who ends within it ends well');
	for my $name (qw(long stubborn)) {
		is("$row{$name}{status} $row{$name}{reason}", 'failure canceled',
		    "$name is canceled");
		like($row{$name}{error}, qr/shutdown/, 'by the shutdown');
	}
	ok((grep { $_->{event} eq 'term' } $r->evidence('long')), 'by TERM first');
	$r->start;
	$r->wait_for(sub { @{rows($r, 'backoff')} == 2 }, 'the retry survives');
	is(rows($r, 'backoff')->[0]{attempt}, 2, 'as the second');
	is(@{rows($r, 'long')}, 1, 'the canceled is not run again');
	$r->finish;
};

done_testing;
