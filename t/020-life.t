# The life of a daemon: start, fires, retries, a manual run, reload, a second
# daemon, shutdown, a crash in the middle of an attempt.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Reeve;
use Test::More;

my $r = Reeve->new(
	config => {shutdownGrace => '1s'},
	jobs => [
		{name => 'tick', schedule => '@every 1s',
		    command => [Reeve::worker('witness'), '@DIR@/evidence/tick',
			'--out', 'tock']},
		{name => 'retried', schedule => '@every 1h', command =>
			[Reeve::worker('witness'), '@DIR@/evidence/retried',
			    '--fail-first', '1', '--err', "no luck\n"],
		    retry => {maxAttempts => 3, delay => '100ms'}},
		{name => 'spoken', schedule => '@every 1h', protocol => 'jsonl',
		    command => [Reeve::worker('speaker'),
			'{"type":"result","result":{"ms":3}}']},
		{name => 'long', schedule => '@every 1h', command =>
			[Reeve::worker('witness'), '@DIR@/evidence/long',
			    '--for', '600'], retry => {maxAttempts => 1}},
		{name => 'off', schedule => '@every 1s', enabled => JSON::PP::false,
		    command => 'echo never'},
	],
);
$r->start;

subtest 'up' => sub {
	like($r->address, qr/^127\.0\.0\.1:[1-9]\d*$/, 'it tells where it listens');
	my $health = $r->api_get('/health');
	is($health->{status}, 200, 'health answers');
	is($health->{json}{status}, 'healthy', 'healthy');
	my $status = $r->api_get('/api/jobs/status');
	is($status->{status}, 200, 'status answers');
	is_deeply([sort keys %{$status->{json}{jobs}}],
	    [qw(long off retried spoken tick)], 'all jobs are there');
	is((stat $r->ledger_path)[2] & 077, 0, 'the ledger is private');
};

subtest 'fires' => sub {
	$r->wait_for(sub { @{$r->history('tick')} >= 3 }, 'three ticks');
	my @rows = @{$r->history('tick')};
	my $row = $rows[0];
	is($row->{status}, 'success', 'status');
	is($row->{reason}, undef, 'no reason');
	is($row->{exit_code}, 0, 'exit code');
	is($row->{trigger}, 'schedule', 'trigger');
	is($row->{attempt}, 1, 'attempt');
	like($row->{$_}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, $_)
	    for qw(started_at completed_at created_at scheduled_at);
	ok($rows[0]{id} > $rows[1]{id}, 'newest first');
	my %instants = map { $_->{scheduled_at} => 1 } @rows;
	is(keys %instants, @rows, 'one run an instant');
	my @starts = grep { $_->{event} eq 'start' } $r->evidence('tick');
	cmp_ok(@starts, '>=', @rows, 'the workers saw as many starts');
	my %runs = map { $_->{run} => 1 } @starts;
	is(scalar(grep { $runs{$_->{run_id}} } @rows), @rows, 'of the same runs');
	is_deeply($r->history('off'), [], 'a disabled job makes no fires');
};

subtest 'manual' => sub {
	my ($code, $run) = $r->run_job('spoken', wait => JSON::PP::true);
	is($code, 200, 'waited for');
	my $row = $r->history('spoken')->[0];
	is($row->{trigger}, 'manual', 'trigger');
	is_deeply($row->{result}, {ms => 3}, 'the result of the message');
	($code) = $r->run_job('nobody');
	is($code, 404, 'no such job');
};

subtest 'retry' => sub {
	my ($code) = $r->run_job('retried');
	is($code, 202, 'admitted');
	$r->wait_for(sub { @{$r->history('retried')} >= 2 }, 'two attempts');
	my ($second, $first) = @{$r->history('retried')};
	is($first->{status}, 'failure', 'the first fails');
	is($first->{reason}, 'exit', 'by its exit');
	is($first->{exit_code}, 1, 'status 1');
	like($first->{error}, qr/no luck/, 'and its last line');
	unlike($first->{error}, qr/\n/, 'on one line');
	is($second->{status}, 'success', 'the second succeeds');
	is("$first->{attempt} $second->{attempt}", '1 2', 'numbered');
	is($first->{run_id}, $second->{run_id}, 'one run');
	ok($r->logged('Retrying job after delay'), 'told');
};

subtest 'one daemon a directory' => sub {
	my ($code, $out, $err) = $r->run_once;
	is($code, 75, 'refused');
	my $pid = $r->pid;
	like($err, qr/\b$pid\b/, 'who holds it is named');
};

subtest 'reload' => sub {
	my ($running) = $r->run_job('long');
	is($running, 202, 'long runs');
	$r->wait_for(sub { $r->evidence('long') }, 'long has begun');
	$r->write_config(jobs => [grep({ $_->{name} ne 'off' } @{$r->{jobs}}),
	    {name => 'new', schedule => '@every 1s', command => 'echo new'}]);
	is($r->reload->{message}, 'Configuration reloaded', 'taken');
	$r->wait_for(sub { @{$r->history('new')} }, 'the new job runs');
	is($r->unix_request('GET', '/api/jobs/off')->{status}, 404, 'the removed is gone');

	$r->write_file('reeve.json', '{"jobs": [{"name": "x", "shedule": 1}]}');
	is($r->reload->{message}, 'Configuration not changed', 'refused');
	my ($code, undef, $err) = $r->run_once('-t');
	is($code, 78, '-t says so');
	like($err, qr/reeve\.json:1:\d+: jobs\[0\]/, 'with the place');
	is($r->unix_request('GET', '/api/jobs/new')->{status}, 200, 'all is as it was');
	$r->write_config;
	my @long = $r->evidence('long');
	is(@long, 1, 'the running attempt was left alone');
};

subtest 'shutdown' => sub {
	is($r->stop, 'exit 0', 'TERM ends it');
	is_deeply([map { $_->[1] } $r->processes], [], 'nothing lives on');
	$r->start;
	my $row = $r->history('long')->[0];
	is("$row->{status} $row->{reason}", 'failure canceled', 'canceled');
	my ($second) = $r->history('tick')->[0];
	ok($second, 'the history is still there');
};

subtest 'crash' => sub {
	my ($code, $run) = $r->run_job('long');
	is($code, 202, 'long runs again');
	$r->wait_for(sub {
		grep { $_->{run} eq $run->{runId} } $r->evidence('long')
	}, 'it has begun');
	is($r->kill9, 'signal 9', 'killed');
	$r->start;
	my $row = $r->wait_for(sub {
		my ($found) = grep { $_->{run_id} eq $run->{runId} }
		    @{$r->history('long')};
		$found;
	}, 'the attempt is settled');
	is("$row->{status} $row->{reason}", 'failure lost', 'as lost');
	is((grep { $_->{event} eq 'start' && $_->{run} eq $run->{runId} }
	    $r->evidence('long')), 1, 'and not run again');
	my %seen;
	$seen{"$_->{run_id}/$_->{attempt}"}++ for @{$r->history('tick')};
	is_deeply([grep { $seen{$_} > 1 } keys %seen], [], 'no row twice');
	is_deeply($r->ledger_rows('PRAGMA integrity_check'),
	    [{integrity_check => 'ok'}], 'the ledger is sound');
};

$r->finish;
done_testing;
