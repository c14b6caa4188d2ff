# A disk that stalls and a disk that is full: nothing but the record waits.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Reeve;
use Test::More;
use Time::HiRes qw(sleep time);

# Rows, newest first. A busy machine may get "not in time" for an answer.
sub rows {
	my ($r, $name) = @_;
	return $r->wait_for(sub { eval { $r->history($name) } }, "rows of $name", 10);
}

sub witness {
	my ($name, @args) = @_;
	return [Reeve::worker('witness'), "\@DIR\@/evidence/$name", @args];
}

# How long an answer takes.
sub timed {
	my ($sub) = @_;
	my $began = time;
	my $answer = $sub->();
	return (time - $began, $answer);
}

sub command_exists {
	my ($name) = @_;
	return grep { -x "$_/$name" } split /:/, "$ENV{PATH}:/sbin:/usr/sbin";
}

subtest 'a disk that stalls' => sub {
	plan skip_all => 'no strace here' unless command_exists('strace');
	my $r = Reeve->new(jobs => [
		{name => 'tick', schedule => '@every 1s', command => witness('tick')},
		{name => 'slow', timeout => '4s', retry => {maxAttempts => 1},
		    command => witness('slow', '--for', '600')},
		{name => 'now', command => witness('now')},
	]);
	$r->start;
	$r->wait_for(sub { @{rows($r, 'tick')} }, 'ticks');
	is(($r->run_job('slow'))[0], 202, 'a run that will time out');
	$r->wait_for(sub { $r->evidence('slow') }, 'it runs');

	my $strace = fork // die "fork: $!";
	if (!$strace) {
		open STDERR, '>', $r->path('strace.err');
		# Only who writes: to be traced makes everything slow.
		my @writers = grep { $_ != $r->pid } map { m{(\d+)$} }
		    glob '/proc/' . $r->pid . '/task/*';
		exec 'strace', map({ ('-p', $_) } @writers), '-o', $r->path('strace.log'),
		    '-e', 'trace=fdatasync,fsync', '-e',
		    'inject=fdatasync,fsync:delay_enter=10000000' or POSIX::_exit(127);
	}
	my $attached = eval { $r->wait_for(sub {
		Reeve::slurp($r->path('strace.err')) =~ /attached/
	}, 'strace attached', 5) };
	if (!$attached) {
		kill 'KILL', $strace;
		waitpid $strace, 0;
		$r->finish(fd_slack => 4);
		plan skip_all => 'strace may not trace here';
	}
	$r->wait_for(sub { Reeve::slurp($r->path('strace.log')) =~ /sync\(/ },
	    'the disk stalls', 5);
	my $stalled = time;

	# The answer of this one waits for the disk.
	my $post = fork // die "fork: $!";
	if (!$post) {
		my ($code) = eval { $r->run_job('now') };
		Reeve::spew($r->path('post'), ($code // 0) . ' ' . time);
		POSIX::_exit(0);
	}
	my ($worst, $polls) = (0, 0);
	my $term_at;
	while (time < $stalled + 5) {
		my ($took, $answer) = timed(sub { $r->api_get('/api/jobs/status') });
		$worst = $took if $took > $worst;
		$polls += $answer->{status} == 200;
		my ($term) = grep { $_->{event} eq 'term' } $r->evidence('slow');
		$term_at //= $term->{at} if $term;
		sleep 0.05; # sleep: a poll, not a flood
	}
	cmp_ok($worst, '<', 0.1 * $Reeve::PATIENCE, 'the status is answered at once');
	cmp_ok($polls, '>', 20, 'each time');
	ok($term_at, 'who has run too long is stopped meanwhile');
	ok(!-e $r->path('post'), 'an order is not acknowledged');
	ok(!$r->evidence('now'), 'nor begun');
	is($r->api_get('/health')->{json}{checks}{ledger}{status}, 'degraded',
	    'health tells');
	kill 'INT', $strace;
	waitpid $strace, 0;
	waitpid $post, 0;
	my ($code, $at) = split / /, Reeve::slurp($r->path('post'));
	is($code, 202, 'then it is');
	cmp_ok($at - $stalled, '>', 4.5, 'after the disk');
	my $row = $r->wait_for(sub { rows($r, 'slow')->[0] }, 'recorded');
	is("$row->{status} $row->{reason}", 'failure timeout', 'as timed out');
	cmp_ok($row->{duration_ms}, '<', 4000 + 1500 * $Reeve::PATIENCE, 'in time');
	$r->wait_for(sub { rows($r, 'now')->[0] }, 'the order runs');
	$r->wait_for(sub {
		my ($last) = @{rows($r, 'tick')};
		$last->{status} eq 'success' && $last->{started_at} gt $row->{completed_at};
	}, 'ticks go on');
	$r->wait_for(sub { $r->api_get('/health')->{json}{status} eq 'healthy' },
	    'healthy again');
	$r->finish(fd_slack => 2);
};

subtest 'a disk that is full' => sub {
	plan skip_all => 'needs root' if $>;
	my $r = Reeve->new(jobs => [
		{name => 'tick', schedule => '@every 1s', command => witness('tick'),
		    misfire => {policy => 'none', after => '1s'}},
		{name => 'ends', retry => {maxAttempts => 1},
		    command => witness('ends', '--for', '3', '--exit', '7')},
	]);
	if (system('mount', '-t', 'tmpfs', '-o', 'size=1m,mode=0700', 'none',
	    $r->path('state')) != 0) {
		$r->finish;
		plan skip_all => 'may not mount here';
	}
	my $good = eval { full($r); 1 };
	diag($@) unless $good;
	ok($good, 'to the end');
	is($r->stop, 'exit 0', 'the daemon ends well');
	system 'umount', '-l', $r->path('state');
	$r->finish;
};

sub full {
	my ($r) = @_;
	$r->start;
	$r->wait_for(sub { @{rows($r, 'tick')} }, 'ticks');
	is(($r->run_job('ends'))[0], 202, 'one runs');
	$r->wait_for(sub { $r->evidence('ends') }, 'it runs');
	my $filler = $r->path('state', 'filler');
	open my $fh, '>', $filler or die "$filler: $!";
	1 while syswrite $fh, 'x' x 4096;
	1 while syswrite $fh, 'x';
	close $fh;
	my $health = $r->wait_for(sub {
		my $answer = $r->api_get('/health');
		$answer->{status} == 503 && $answer->{json};
	}, 'health is 503');
	is("$health->{status} $health->{checks}{ledger}{status}",
	    'unhealthy unhealthy', 'unhealthy');
	ok($health->{checks}{ledger}{error}, 'and why');
	is($r->api_get('/health/live')->{status}, 200, 'it lives');
	is($r->api_get('/api/jobs/status')->{status}, 200, 'the status is there');
	is($r->api_get('/api/jobs/history/tick')->{status}, 200, 'the history too');
	my $answer = $r->api_post('/api/jobs/tick/run', {});
	is($answer->{status}, 503, 'nothing can be ordered');
	ok($answer->{headers}{'retry-after'}, 'come again');
	my $starts = grep { $_->{event} eq 'start' } $r->evidence('tick');
	$r->wait_for(sub { grep { $_->{event} eq 'end' } $r->evidence('ends') },
	    'who ran ends');
	sleep 2; # sleep: instants pass, and nothing may happen
	is((grep { $_->{event} eq 'start' } $r->evidence('tick')), $starts,
	    'nothing starts');
	is(scalar($r->logged('Ledger cannot be written: nothing starts')), 1,
	    'one error, not a flood');
	unlink $filler;
	$r->wait_for(sub { $r->api_get('/health')->{status} == 200 },
	    'it goes on by itself');
	my $row = $r->wait_for(sub { rows($r, 'ends')->[0] }, 'the end is kept');
	is("$row->{status} $row->{reason} $row->{exit_code}", 'failure exit 7',
	    'as it was');
	my $rows;
	$r->wait_for(sub {
		$rows = rows($r, 'tick');
		(grep { ($_->{reason} // '') eq 'missed' } @$rows)
		    && $rows->[0]{status} eq 'success';
	}, 'ticks again');
	my @s = sort { $a <=> $b } map {
		my ($m, $s) = $_->{scheduled_at} =~ /:(\d+):(\d+)/;
		60 * $m + $s;
	} @$rows;
	is((grep { ($s[$_] - $s[$_ - 1]) % 3600 != 1 } 1 .. $#s), 0,
	    'every instant has a row');
	is_deeply($r->ledger_rows('PRAGMA integrity_check'),
	    [{integrity_check => 'ok'}], 'the ledger is sound');
}

done_testing;
