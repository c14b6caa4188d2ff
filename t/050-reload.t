# Reload by HUP: all or nothing, with what changes told; what runs is left
# alone, also under a thousand signals.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Reeve;
use Test::More;
use Time::HiRes qw(time);

sub job {
	my ($name, %more) = @_;
	return {name => $name, schedule => '@every 1h', command => 'true', %more};
}

sub witness {
	my ($name, @args) = @_;
	return [Reeve::worker('witness'), "\@DIR\@/evidence/$name", @args];
}

my @jobs = (
	job('keep'),
	job('change', command => 'echo old'),
	job('remove', schedule => '@every 1s'),
	job('long', command => witness('long', '--for', '600'),
	    retry => {maxAttempts => 1}),
	job('removed-long', command => witness('removed-long', '--for', '600'),
	    retry => {maxAttempts => 1}),
	job('backoff', command => 'false',
	    retry => {maxAttempts => 3, delay => '10m', maxDelay => '10m'}),
	job('retimed', command => 'false',
	    retry => {maxAttempts => 2, delay => '2s'}),
	job('queue', command => witness('queue', '--for', '600'),
	    overlap => 'queue', retry => {maxAttempts => 1}),
);
my $r = Reeve->new(config => {shutdownGrace => '0s', api =>
	{listen => ['unix:reeved.sock', '127.0.0.1:0'], hosts => ['old.example.org']}},
    jobs => \@jobs);
$r->start;

sub without { my %gone = map { $_ => 1 } @_; return grep { !$gone{$_->{name}} } @jobs }

# What a request by this name of the host is answered.
sub status_for {
	my ($host) = @_;
	my $answer = $r->raw("GET /health/live HTTP/1.1\r\nHost: $host\r\n"
	    . "Connection: close\r\n\r\n");
	return Reeve::parse_answer($answer)->{status};
}

sub status { return $r->api_get('/api/jobs/status')->{json} }

# Names told since the entry `from` with this message.
sub told {
	my ($from, $message, $key) = @_;
	my @all = $r->log_lines;
	return [sort map { $_->{data}{$key // 'job'} }
	    grep { $_->{message} eq $message } @all[$from .. $#all]];
}

subtest 'nothing has changed' => sub {
	my $entry = $r->reload;
	is($entry->{message}, 'Configuration reloaded', 'reloaded');
	is($entry->{data}{unchanged}, @jobs, 'all as it was');
	is($entry->{data}{$_}, 0, $_) for qw(added removed changed);
};

subtest 'the difference' => sub {
	$r->wait_for(sub { @{$r->history('remove')} }, 'it has fired');
	my $from = () = $r->log_lines;
	@jobs = (without('remove', 'change'), job('add', schedule => '@every 1s'),
	    job('change', command => 'echo new', timeout => '5m'));
	is(status_for('old.example.org'), 200, 'a name of ours');
	is(status_for('new.example.org'), 421, 'and one that is not');
	$r->write_config(jobs => \@jobs, config => {shutdownGrace => '1s',
	    node => 'other', api => {listen => ['unix:reeved.sock', '127.0.0.1:0'],
		hosts => ['new.example.org']}});
	my $entry = $r->reload;
	is($entry->{message}, 'Configuration reloaded', 'reloaded');
	is("@{$entry->{data}}{qw(added removed changed unchanged)}",
	    '1 1 1 6', 'counted');
	is_deeply(told($from, 'Job added'), ['add'], 'added');
	is_deeply(told($from, 'Job removed'), ['remove'], 'removed');
	is_deeply(told($from, 'Job changed'), ['change'], 'changed');
	is_deeply(told($from, 'Setting changed', 'setting'),
	    ['api.hosts', 'shutdownGrace'], 'settings');
	is_deeply(told($from, 'Setting changes at the next restart only',
	    'setting'), ['node'], 'one that waits for a restart is named');
	is(status_for('old.example.org'), 421, 'the name is ours no more');
	is(status_for('new.example.org'), 200, 'the other is');
	my $rows = @{$r->history('remove')};
	$r->wait_for(sub { @{$r->history('add')} >= 2 }, 'the added fires');
	is(@{$r->history('remove')}, $rows, 'the removed does no more');
	ok($rows, 'and its history can be read');
	ok(!status()->{jobs}{remove}, 'though it is gone from the status');
	my ($code) = $r->run_job('change', wait => JSON::PP::true);
	is($code, 200, 'the changed runs');
	is($r->unix_request('GET', '/api/jobs/change')->{json}{command},
	    'echo new', 'as it is now');
};

subtest 'a schedule that changes starts at now' => sub {
	my $at = time;
	@jobs = (without('add'), job('add', schedule => '@every 2s'),
	    job('minutely', schedule => '* * * * *'));
	$r->write_config(jobs => \@jobs);
	$r->reload;
	my $next = status()->{jobs}{add}{nextFires}[0];
	my ($second) = $next =~ /:(\d\d\.\d+)Z/;
	my $ahead = $second - ($at - 60 * int($at / 60));
	$ahead += 60 if $ahead < -30;
	ok($ahead > 1.9 && $ahead < 2.9 + 2 * $Reeve::PATIENCE,
	    "its first fire is one interval from now: $ahead");
	like(status()->{jobs}{minutely}{nextFires}[0], qr/:00\.000Z/, 'cron');
	is_deeply([grep { $_->{status} eq 'skipped' } @{$r->history('add')}], [],
	    'nothing is missed');
};

subtest 'runs that are not running' => sub {
	for my $name (qw(backoff retimed removed-long queue queue)) {
		my ($code) = $r->run_job($name);
		is($code, 202, "$name is admitted");
	}
	$r->wait_for(sub { status()->{jobs}{backoff}{retryAt} }, 'backs off');
	$r->wait_for(sub { status()->{jobs}{retimed}{retryAt} }, 'backs off');
	$r->wait_for(sub { @{status()->{jobs}{queue}{waiting}} }, 'queued');
	$r->wait_for(sub { $r->evidence('removed-long') && $r->evidence('queue') },
	    'both run');
	@jobs = (without('backoff', 'retimed', 'removed-long', 'queue'),
	    job('retimed', command => 'true', retry => {maxAttempts => 2}));
	$r->write_config(jobs => \@jobs);
	$r->reload;
	$r->wait_for(sub {
		!@{$r->ledger_rows("SELECT 1 FROM run WHERE job_name = 'backoff'")}
	}, 'the run in backoff ends');
	my ($row, @more) = @{$r->history('backoff')};
	is("$row->{status} $row->{reason} " . @more, 'failure exit 0',
	    'with the row of the attempt it had');
	$row = $r->wait_for(sub { $r->history('queue')->[0] }, 'who waited ends');
	is("$row->{status} $row->{reason}", 'skipped canceled', 'canceled');
	is(@{$r->history('removed-long')}, 0, 'who runs goes on');
	ok((grep { $_->[1] =~ /witness.*removed-long/ } $r->processes),
	    'and is alive');
	$r->wait_for(sub { @{$r->history('retimed')} >= 2 }, 'the retry comes');
	is($r->history('retimed')->[0]{status}, 'success',
	    'by the definition of now');
};

subtest 'a thousand HUPs' => sub {
	my ($code) = $r->run_job('long');
	is($code, 202, 'a long attempt');
	$r->wait_for(sub { $r->evidence('long') }, 'it runs');
	for my $n (1 .. 1000) {
		$r->write_config(jobs => [@jobs, job("burst", command => "echo $n")])
		    if $n % 50 == 0;
		$r->hup;
		$r->api_get('/api/jobs/status') if $n % 100 == 0;
	}
	$r->wait_for(sub {
		my $job = $r->unix_request('GET', '/api/jobs/burst')->{json};
		$job && ($job->{command} // '') eq 'echo 1000';
	}, 'the last configuration is in force');
	$r->wait_for(sub {
		!$r->api_get('/health')->{json}{checks}{config}{reloading}
	}, 'it comes to rest');
	@jobs = (@jobs, job('burst', command => 'echo 1000'));
	is($r->api_get('/health')->{json}{status}, 'healthy', 'healthy');
	is((grep { $_->{event} eq 'start' } $r->evidence('long')), 1,
	    'the attempt was left alone');
	is(@{$r->history('long')}, 0, 'and runs on');
	($code) = $r->run_job('burst', wait => JSON::PP::true);
	is($code, 200, 'jobs run');
	my @instants = map { $_->{scheduled_at} // () } @{$r->history('add')};
	my %seen;
	is((grep { $seen{$_}++ } @instants), 0, 'no fire has run twice');
};

subtest 'a broken file' => sub {
	my $before = status();
	for my $case (
		['reeve.json', '{"jobs": [{"name": "x", "shedule": 1}],' . "\n"
		    . '"timezone": "No/Where"}', [qr/reeve\.json:1:25: jobs\[0\]: /,
			qr/reeve\.json:2:13: timezone: /], 'wrong'],
		['reeve.json', "{\"jobs\": [\n", [qr/reeve\.json:\d+:\d+: /], 'cut'],
		['jobs.d/x.json', "\n {\"name\": \"y\", \"command\": 3}",
		    [qr{jobs\.d/x\.json:2:\d+: command: }], 'in jobs.d'],
	) {
		my ($name, $text, $want, $what) = @$case;
		my $from = () = $r->log_lines;
		$r->write_file($name, $text);
		is($r->reload->{message}, 'Configuration not changed',
		    "$what: refused");
		my $errors = told($from, 'Configuration error', 'error');
		for my $pattern (@$want) {
			ok((grep { $_ =~ $pattern } @$errors), "$what: told")
			    or diag("@$errors");
		}
		my $health = $r->api_get('/health');
		is("$health->{status} $health->{json}{status} "
		    . $health->{json}{checks}{config}{status},
		    '200 degraded degraded', "$what: degraded");
		is_deeply([sort keys %{status()->{jobs}}],
		    [sort keys %{$before->{jobs}}], "$what: nothing has changed");
		$r->write_config;
		unlink $r->path('jobs.d', 'x.json');
	}
	for my $mode (0660, 0606) {
		chmod $mode, $r->config_path;
		is($r->reload->{message}, 'Configuration not changed',
		    sprintf '%04o: refused', $mode);
		ok((grep { ($_->{data}{error} // '') =~ /writable by nobody else/ }
		    $r->logged('Configuration error')), 'and why');
	}
	chmod 0600, $r->config_path;
	rename $r->config_path, $r->path('away');
	is($r->reload->{message}, 'Configuration not changed', 'gone: refused');
	rename $r->path('away'), $r->config_path;
	is(@{$r->history('long')}, 0, 'the attempt still runs');
	is($r->reload->{message}, 'Configuration reloaded', 'a good one is taken');
	is($r->api_get('/health')->{json}{status}, 'healthy', 'and all is well');
};

subtest 'jobs.d' => sub {
	$r->write_file('jobs.d/one.json', job('one'));
	$r->write_file('jobs.d/many.json', Reeve::encode([job('two'), job('three')]));
	$r->write_file('jobs.d/.hidden.json', 'no JSON');
	$r->write_file('jobs.d/note.txt', 'no JSON');
	is($r->reload->{data}{added}, 3, 'its files are read');
	my ($code) = $r->run_job('three', wait => JSON::PP::true);
	is($code, 200, 'and their jobs run');
	unlink $r->path('jobs.d', 'many.json');
	is($r->reload->{data}{removed}, 2, 'without the file they are gone');
};

# Three attempts are still running: two pipes and a pidfd each.
$r->finish(fd_slack => 9);
done_testing;
